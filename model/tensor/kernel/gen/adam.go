package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The places of a step's factors, as in adam_amd64.go of the kernels.
const (
	adamScale = iota
	adamDecay
	adamKeep
	adamBeta1
	adamRest1
	adamBeta2
	adamRest2
	adamRate
	adamRoot
	adamEpsilon
	adamFactors
)

func adam() {
	maskTable = tailMask()
	for _, t := range []tile{tile256, tile512} {
		t.adam()
	}
}

// adam writes one step of Adam. The AVX2 registers hold some of the factors only; the others are
// read anew for every vector, from the first-level cache.
func (t tile) adam() {
	s := t.newStream("adam", "func(w, g, m, v []float32, factors *float32)")
	w, g, m, v := base("w"), base("g"), base("m"), base("v")
	factors := Load(Param("factors"), GP64())
	kept := 7
	if t.wide {
		kept = adamFactors
	}
	var held []reg.VecVirtual
	for i := range kept {
		f := s.vector()
		VBROADCASTSS(Mem{Base: factors, Disp: 4 * i}, f)
		held = append(held, f)
	}
	factor := func(i int) reg.VecVirtual {
		if i < kept {
			return held[i]
		}
		f := s.vector()
		VBROADCASTSS(Mem{Base: factors, Disp: 4 * i}, f)
		return f
	}
	s.zero = s.vector()
	VXORPS(s.zero, s.zero, s.zero)
	s.loop("w", 1, func(int) {
		weight := s.read(w, 0)
		d := s.vector()
		VMULPS(weight, factor(adamDecay), d)
		grad := s.read(g, 0)
		VFMADD231PS(grad, factor(adamScale), d)
		s.write(s.zero, g, 0)

		first := s.read(m, 0)
		VMULPS(first, factor(adamBeta1), first)
		VFMADD231PS(d, factor(adamRest1), first)
		s.write(first, m, 0)

		second := s.read(v, 0)
		VMULPS(second, factor(adamBeta2), second)
		part := s.vector()
		VMULPS(d, factor(adamRest2), part)
		VFMADD231PS(d, part, second)
		s.write(second, v, 0)

		root := s.vector()
		VSQRTPS(second, root)
		VFMADD213PS(factor(adamEpsilon), factor(adamRoot), root)
		VMULPS(first, factor(adamRate), first)
		VDIVPS(root, first, first)
		VMULPS(weight, factor(adamKeep), weight)
		VSUBPS(first, weight, weight)
		s.write(weight, w, 0)
	})
	s.ret()
}
