package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vector writes arithmetic with constants.
type vector struct {
	stream
	constants *constants
}

// newVector is for functions that are begun elsewhere.
func (s set) newVector(c *constants) vector {
	return vector{stream: stream{registers: registers{set: s}}, constants: c}
}

// constants is a file's table, each number once a lane of the widest register, so that it
// can be a memory operand at any width.
type constants struct {
	table Mem
	at    map[uint32]int
}

func newConstants(name string) *constants {
	return &constants{table: GLOBL(name, RODATA|NOPTR), at: map[uint32]int{}}
}

// bits is the place of a constant, added to the table at its first use.
func (c *constants) bits(v uint32) Mem {
	at, ok := c.at[v]
	if !ok {
		at = 64 * len(c.at)
		c.at[v] = at
		both := uint64(v)<<32 | uint64(v)
		for i := range 8 {
			DATA(at+8*i, U64(both))
		}
	}
	return c.table.Offset(at)
}

// num is the place of a number.
func (v *vector) num(f float32) Mem { return v.constants.bits(math.Float32bits(f)) }

func (v *vector) int(i int32) Mem { return v.constants.bits(uint32(i)) }

// Every method below gives its result in a new register.

func (v *vector) add(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.fresh()
	VADDPS(b, a, y)
	return y
}

// sub is a - b.
func (v *vector) sub(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.fresh()
	VSUBPS(b, a, y)
	return y
}

func (v *vector) mul(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.fresh()
	VMULPS(b, a, y)
	return y
}

func (v *vector) div(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.fresh()
	VDIVPS(b, a, y)
	return y
}

// fma is a b + c.
func (v *vector) fma(a, b reg.VecVirtual, c Op) reg.VecVirtual {
	y := v.copy(a)
	VFMADD213PS(c, b, y)
	return y
}

// fnma is c - a b.
func (v *vector) fnma(a reg.VecVirtual, b Op, c reg.VecVirtual) reg.VecVirtual {
	y := v.copy(c)
	VFNMADD231PS(b, a, y)
	return y
}

func (v *vector) copy(a reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	VMOVAPS(a, y)
	return y
}

// load1 reads a constant into a register.
func (v *vector) load1(m Mem) reg.VecVirtual {
	y := v.fresh()
	VMOVUPS(m, y)
	return y
}

// most is min(a, limit); NaN stays.
func (v *vector) most(a reg.VecVirtual, limit Mem) reg.VecVirtual {
	y := v.load1(limit)
	VMINPS(a, y, y)
	return y
}

// least is max(a, limit); NaN stays.
func (v *vector) least(a reg.VecVirtual, limit Mem) reg.VecVirtual {
	y := v.load1(limit)
	VMAXPS(a, y, y)
	return y
}

// negated is -|a|.
func (v *vector) negated(a reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	VORPS(v.int(math.MinInt32), a, y)
	return y
}

func (v *vector) abs(a reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	VANDPS(v.int(math.MaxInt32), a, y)
	return y
}

// signed gives a the sign of s, which a may have already if it isn't positive.
func (v *vector) signed(a, s reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	VANDPS(v.int(math.MinInt32), s, y)
	VORPS(a, y, y)
	return y
}

// round is the nearest integer.
func (v *vector) round(a reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	if v.wide {
		VRNDSCALEPS(U8(8), a, y)
	} else {
		VROUNDPS(U8(8), a, y)
	}
	return y
}

// The conditions of choose.
const (
	less    = 1
	equal   = 0
	greater = 14
)

// choose is yes where the comparison of a with b holds, else no.
func (v *vector) choose(condition int, a reg.VecVirtual, b Op, yes, no reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	if v.wide {
		k := K()
		VCMPPS(U8(condition), b, a, k)
		VBLENDMPS(yes, no, k, y)
		return y
	}
	mask := YMM()
	VCMPPS(U8(condition), b, a, mask)
	VBLENDVPS(mask, yes, no, y)
	return y
}

// shiftedUp is a times 2 to the power of n, n whole; denormal results are rounded once.
func (v *vector) shiftedUp(a, n reg.VecVirtual) reg.VecVirtual {
	y := v.fresh()
	if v.wide {
		VSCALEFPS(n, a, y)
		return y
	}
	// Two steps: neither half of the exponent leaves the range of float32.
	whole, half := YMM(), YMM()
	VCVTPS2DQ(n, whole)
	VPSRAD(U8(1), whole, half)
	VPSUBD(half, whole, whole)
	for _, part := range []reg.VecVirtual{half, whole} {
		VPADDD(v.int(127), part, part)
		VPSLLD(U8(23), part, part)
	}
	VMULPS(half, a, y)
	VMULPS(whole, y, y)
	return y
}

// horner is the polynomial c[0] + c[1] x + …
func (v *vector) horner(x reg.VecVirtual, c ...float32) reg.VecVirtual {
	y := v.load1(v.num(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		VFMADD213PS(v.num(c[i]), x, y)
	}
	return y
}

// unary writes "for i: dst[i] = f(src[i])".
func (v *vector) unary(name string, f func(x reg.VecVirtual) reg.VecVirtual) {
	v.stream = *v.newStream(name, "func(dst, src []float32)")
	dst, src := base("dst"), base("src")
	v.loop("dst", 1, func(int) { v.write(f(v.read(src, 0)), dst, 0) })
	v.ret()
}

// exponent is k of x = 2ᵏ m with m from √½ to √2, as a float.
func (v *vector) exponent(x reg.VecVirtual) reg.VecVirtual {
	k := v.fresh()
	root := v.int(int32(math.Float32bits(float32(math.Sqrt(0.5)))))
	VPSUBD(root, x, k)
	VPSRAD(U8(23), k, k)
	VCVTDQ2PS(k, k)
	return k
}
