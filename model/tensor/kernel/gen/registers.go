package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// set is a set of instructions.
type set struct {
	suffix string // of the functions' names
	lanes  int    // floats a vector
	wide   bool   // AVX-512, else AVX2 with FMA
}

var sets = []set{{suffix: "AVX2", lanes: 8}, {suffix: "AVX512", lanes: 16, wide: true}}

// registers is what every function needs while it is written: new vectors, and loads and stores of
// whole ones or, under a mask, of the first left lanes.
type registers struct {
	set
	left  reg.GPVirtual   // elements to do
	masks [2]reg.Register // of each vector of a row; nil for a whole one
}

// ret ends the function.
func (r *registers) ret() {
	VZEROUPPER()
	RET()
}

// fresh is a new vector.
func (r *registers) fresh() reg.VecVirtual {
	if r.wide {
		return ZMM()
	}
	return YMM()
}

// mask makes the mask of the last vector out of left.
func (r *registers) mask(vectors int) {
	r.masks = [2]reg.Register{}
	if r.wide {
		cl, ones := reg.RCX, GP64()
		MOVQ(r.left, cl)
		MOVQ(U32(1), ones)
		SHLQ(reg.CL, ones)
		DECQ(ones)
		k := K()
		KMOVW(ones.As32(), k)
		r.masks[vectors-1] = k
		return
	}
	table := GP64()
	LEAQ(maskTable, table)
	at := GP64()
	MOVQ(U32(8), at)
	SUBQ(r.left, at)
	m := YMM()
	VMOVUPS(Mem{Base: table, Index: at, Scale: 4}, m)
	r.masks[vectors-1] = m
}

var maskTable Mem

// tailMask is eight lanes of ones and eight of zeros: read from 8 - n on, the first n lanes are
// ones.
func tailMask() Mem {
	m := GLOBL("gemmMask", RODATA|NOPTR)
	for i := range 16 {
		v := U32(0)
		if i < 8 {
			v = U32(0xffffffff)
		}
		DATA(4*i, v)
	}
	return m
}

// load reads vector v of a row at m.
func (r *registers) load(m Mem, v int, to reg.VecVirtual) {
	k := r.masks[v]
	m = m.Offset(4 * r.lanes * v)
	switch {
	case k == nil:
		VMOVUPS(m, to)
	case r.wide:
		VMOVUPS_Z(m, k, to)
	default:
		VMASKMOVPS(m, k, to)
	}
}

func (r *registers) store(from reg.VecVirtual, v int, m Mem) {
	k := r.masks[v]
	m = m.Offset(4 * r.lanes * v)
	switch {
	case k == nil:
		VMOVUPS(from, m)
	case r.wide:
		VMOVUPS(from, k, m)
	default:
		VMASKMOVPS(from, k, m)
	}
}

// doubles are the two halves of a vector, in float64.
func (r *registers) doubles(x reg.VecVirtual) (low, high reg.VecVirtual) {
	low, high = r.fresh(), r.fresh()
	if r.wide {
		half := YMM()
		VEXTRACTF32X8(U8(1), x, half)
		VCVTPS2PD(x.AsY(), low)
		VCVTPS2PD(half, high)
		return low, high
	}
	half := XMM()
	VEXTRACTF128(U8(1), x, half)
	VCVTPS2PD(x.AsX(), low)
	VCVTPS2PD(half, high)
	return low, high
}

// singles is the reverse of doubler.
func (r *registers) singles(low, high reg.VecVirtual) reg.VecVirtual {
	to := r.fresh()
	if r.wide {
		a, b := YMM(), YMM()
		VCVTPD2PS(low, a)
		VCVTPD2PS(high, b)
		VINSERTF32X8(U8(1), b, a.AsZ(), to)
		return to
	}
	a, b := XMM(), XMM()
	VCVTPD2PSY(low, a)
	VCVTPD2PSY(high, b)
	VINSERTF128(U8(1), b, a.AsY(), to)
	return to
}

// total is the sum of all lanes of two vectors of float64.
func (r *registers) total(a, b reg.VecVirtual) reg.VecVirtual {
	VADDPD(b, a, a)
	if r.wide {
		high, sum := YMM(), YMM()
		VEXTRACTF64X4(U8(1), a, high)
		VADDPD(high, a.AsY(), sum)
		a = sum
	}
	high, half, swapped := XMM(), XMM(), XMM()
	VEXTRACTF128(U8(1), a, high)
	VADDPD(high, a.AsX(), half)
	VPERMILPD(U8(1), half, swapped)
	VADDSD(swapped, half, half)
	return half
}
