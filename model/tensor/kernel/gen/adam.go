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
	for _, s := range sets {
		s.adam()
	}
}

// adam writes one step of Adam. The AVX2 registers hold some of the factors only; the others are
// read anew for every vector, from the first-level cache.
func (of set) adam() {
	s := of.newStream("adam", "func(w, g, m, v []float32, factors *float32)")
	w, g, m, v := base("w"), base("g"), base("m"), base("v")
	factors := Load(Param("factors"), GP64())
	kept := 7
	if s.wide {
		kept = adamFactors
	}
	var held []reg.VecVirtual
	for i := range kept {
		f := s.fresh()
		VBROADCASTSS(Mem{Base: factors, Disp: 4 * i}, f)
		held = append(held, f)
	}
	factor := func(i int) reg.VecVirtual {
		if i < kept {
			return held[i]
		}
		f := s.fresh()
		VBROADCASTSS(Mem{Base: factors, Disp: 4 * i}, f)
		return f
	}
	s.zero = s.fresh()
	VXORPS(s.zero, s.zero, s.zero)
	s.loop("w", 1, func(int) {
		// All is read before anything is written: the slices often lie whole pages apart, and a load
		// so far behind a store waits for it.
		weight, grad, first, second := s.read(w, 0), s.read(g, 0), s.read(m, 0), s.read(v, 0)
		d := s.fresh()
		VMULPS(weight, factor(adamDecay), d)
		VFMADD231PS(grad, factor(adamScale), d)

		VMULPS(first, factor(adamBeta1), first)
		VFMADD231PS(d, factor(adamRest1), first)
		VMULPS(second, factor(adamBeta2), second)
		part := s.fresh()
		VMULPS(d, factor(adamRest2), part)
		VFMADD231PS(d, part, second)

		root := s.fresh()
		VSQRTPS(second, root)
		VFMADD213PS(factor(adamEpsilon), factor(adamRoot), root)
		step := s.fresh()
		VMULPS(first, factor(adamRate), step)
		VDIVPS(root, step, step)
		VMULPS(weight, factor(adamKeep), weight)
		VSUBPS(step, weight, weight)
		s.write(weight, w, 0)
		s.write(s.zero, g, 0)
		s.write(first, m, 0)
		s.write(second, v, 0)
	})
	s.ret()
}
