package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vector writes elementwise arithmetic for one width of registers.
type vector struct {
	gemmKernel // its loads, stores and masks
	constants  *constants
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
	y := v.vector()
	VADDPS(b, a, y)
	return y
}

// sub is a - b.
func (v *vector) sub(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.vector()
	VSUBPS(b, a, y)
	return y
}

func (v *vector) mul(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.vector()
	VMULPS(b, a, y)
	return y
}

func (v *vector) div(a reg.VecVirtual, b Op) reg.VecVirtual {
	y := v.vector()
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
	y := v.vector()
	VMOVAPS(a, y)
	return y
}

// load1 reads a constant into a register.
func (v *vector) load1(m Mem) reg.VecVirtual {
	y := v.vector()
	VMOVUPS(m, y)
	return y
}

// most is min(a, limit); NaN stays.
func (v *vector) most(a reg.VecVirtual, limit Op) reg.VecVirtual {
	y := v.load1(limit.(Mem))
	VMINPS(a, y, y)
	return y
}

// least is max(a, limit); NaN stays.
func (v *vector) least(a reg.VecVirtual, limit Op) reg.VecVirtual {
	y := v.load1(limit.(Mem))
	VMAXPS(a, y, y)
	return y
}

// negated is -|a|.
func (v *vector) negated(a reg.VecVirtual) reg.VecVirtual {
	y := v.vector()
	VORPS(v.int(math.MinInt32), a, y)
	return y
}

func (v *vector) abs(a reg.VecVirtual) reg.VecVirtual {
	y := v.vector()
	VANDPS(v.int(math.MaxInt32), a, y)
	return y
}

// signed gives a the sign of s, which a may have already if it isn't positive.
func (v *vector) signed(a, s reg.VecVirtual) reg.VecVirtual {
	y := v.vector()
	VANDPS(v.int(math.MinInt32), s, y)
	VORPS(a, y, y)
	return y
}

// round is the nearest integer.
func (v *vector) round(a reg.VecVirtual) reg.VecVirtual {
	y := v.vector()
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
	y := v.vector()
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
	y := v.vector()
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

// loop writes "for i: dst[i] = f(src[i])" with a masked last step, for a function of dst and
// src slices.
func (v *vector) loop(name string, f func(x reg.VecVirtual) reg.VecVirtual) {
	TEXT(name+v.suffix, NOSPLIT, "func(dst, src *float32, n int)")
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	v.left = GP64()
	Load(Param("n"), v.left)
	v.masks[0] = nil
	Label("loop")
	CMPQ(v.left, U8(v.lanes))
	JLT(LabelRef("tail"))
	x := v.vector()
	v.load(Mem{Base: src}, 0, x)
	v.store(f(x), 0, Mem{Base: dst})
	ADDQ(U8(4*v.lanes), src)
	ADDQ(U8(4*v.lanes), dst)
	SUBQ(U8(v.lanes), v.left)
	JMP(LabelRef("loop"))
	Label("tail")
	TESTQ(v.left, v.left)
	JLE(LabelRef("done"))
	v.mask(1)
	last := v.vector()
	v.load(Mem{Base: src}, 0, last)
	v.store(f(last), 0, Mem{Base: dst})
	Label("done")
	v.ret()
}

// exponent is k of x = 2ᵏ m with m from √½ to √2, as a float.
func (v *vector) exponent(x reg.VecVirtual) reg.VecVirtual {
	k := v.vector()
	root := v.int(int32(math.Float32bits(float32(math.Sqrt(0.5)))))
	VPSUBD(root, x, k)
	VPSRAD(U8(23), k, k)
	VCVTDQ2PS(k, k)
	return k
}

func vxor(v *vector, a, to reg.VecVirtual) { VXORPS(a, a, to) }
