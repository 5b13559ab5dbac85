package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// rows writes passes over one row of n elements: those of the softmax, and the last one of the layer
// norm.
func rows() {
	maskTable = tailMask()
	c := newConstants("rowNumbers")
	for _, t := range []tile{tile256, tile512} {
		v := vector{gemmKernel: gemmKernel{tile: t}, constants: c}
		(&rowKernel{vector: v}).largest()
		(&rowKernel{vector: v}).shiftedExp()
		(&rowKernel{vector: v}).affine()
	}
}

type rowKernel struct{ vector }

// pass writes the loop over the row; pointers move along it.
func (r *rowKernel) pass(pointers []reg.Register, body func(masked bool)) {
	r.left = GP64()
	Load(Param("n"), r.left)
	r.masks[0] = nil
	Label("loop")
	CMPQ(r.left, U8(r.lanes))
	JLT(LabelRef("tail"))
	body(false)
	for _, p := range pointers {
		ADDQ(U8(4*r.lanes), p)
	}
	SUBQ(U8(r.lanes), r.left)
	JMP(LabelRef("loop"))
	Label("tail")
	TESTQ(r.left, r.left)
	JLE(LabelRef("done"))
	r.mask(1)
	body(true)
	Label("done")
}

func (r *rowKernel) read(p reg.Register) reg.VecVirtual {
	x := r.vector.vector()
	r.load(Mem{Base: p}, 0, x)
	return x
}

// spread is a number of the arguments in all lanes.
func (r *rowKernel) spread(name string) reg.VecVirtual {
	one, all := XMM(), r.vector.vector()
	Load(Param(name), one)
	VBROADCASTSS(one, all)
	return all
}

// largest writes lanes[i] = the maximum of every element whose place is i modulo the lanes; what is not
// a number is left out.
func (r *rowKernel) largest() {
	TEXT("rowLargest"+r.suffix, NOSPLIT, "func(lanes, src *float32, n int)")
	Pragma("noescape")
	src := Load(Param("src"), GP64())
	low := r.load1(r.num(float32(math.Inf(-1))))
	most := r.copy(low)
	r.pass([]reg.Register{src}, func(masked bool) {
		x := r.read(src)
		if masked && r.wide {
			filled := r.copy(low)
			VMOVUPS(Mem{Base: src}, r.masks[0], filled)
			x = filled
		} else if masked {
			VBLENDVPS(r.masks[0], x, low, x)
		}
		VMAXPS(most, x, most) // a NaN among x gives most
	})
	lanes := Load(Param("lanes"), GP64())
	VMOVUPS(most, Mem{Base: lanes})
	r.ret()
}

// shiftedExp writes dst = exp(src - by).
func (r *rowKernel) shiftedExp() {
	TEXT("rowExp"+r.suffix, NOSPLIT, "func(dst, src *float32, by float32, n int)")
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	by := r.spread("by")
	r.pass([]reg.Register{dst, src}, func(bool) {
		r.store(r.exp(r.sub(r.read(src), by)), 0, Mem{Base: dst})
	})
	r.ret()
}

// affine writes dst = (src - mean) inv gain + bias.
func (r *rowKernel) affine() {
	TEXT("rowAffine"+r.suffix, NOSPLIT, "func(dst, src, gain, bias *float32, mean, inv float32, n int)")
	Pragma("noescape")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	gain, bias := Load(Param("gain"), GP64()), Load(Param("bias"), GP64())
	mean, inv := r.spread("mean"), r.spread("inv")
	r.pass([]reg.Register{dst, src, gain, bias}, func(bool) {
		x := r.mul(r.sub(r.read(src), mean), inv)
		r.store(r.fma(x, r.read(gain), r.read(bias)), 0, Mem{Base: dst})
	})
	r.ret()
}
