package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// stream writes loops over slices of one length: four vectors a step, then one, then what is left.
type stream struct {
	registers
	off       reg.GPVirtual  // bytes done
	scalar    reg.VecVirtual // the argument s in every lane
	zero, one reg.VecVirtual
}

// newStream begins a function.
func (s set) newStream(name, signature string) *stream {
	TEXT(name+s.suffix, NOSPLIT, signature)
	Pragma("noescape")
	return &stream{registers: registers{set: s}}
}

// loop writes the loops; step handles a number of vectors at s.off, under s.masks. The length is
// that of the slice named.
func (s *stream) loop(length string, unroll int, step func(vectors int)) {
	s.off, s.left = GP64(), GP64()
	XORQ(s.off, s.off)
	Load(Param(length).Len(), s.left)
	for _, n := range []int{unroll, 1} {
		label, next := fmt.Sprintf("by%d", n), fmt.Sprintf("after%d", n)
		Label(label)
		CMPQ(s.left, U8(n*s.lanes))
		JLT(LabelRef(next))
		step(n)
		ADDQ(U32(4*n*s.lanes), s.off)
		SUBQ(U8(n*s.lanes), s.left)
		JMP(LabelRef(label))
		Label(next)
		if unroll == 1 {
			break
		}
	}
	TESTQ(s.left, s.left)
	JLE(LabelRef("done"))
	s.mask(1)
	step(1)
	Label("done")
	s.masks = [2]reg.Register{}
}

// base is the address of a slice's first element.
func base(name string) reg.Register { return Load(Param(name).Base(), GP64()) }

// at is vector v of a slice from s.off on.
func (s *stream) at(base reg.Register, v int) Mem {
	return Mem{Base: base, Index: s.off, Scale: 1, Disp: 4 * s.lanes * v}
}

func (s *stream) read(base reg.Register, v int) reg.VecVirtual {
	to := s.fresh()
	s.load(s.at(base, v), 0, to)
	return to
}

func (s *stream) write(from reg.VecVirtual, base reg.Register, v int) {
	s.store(from, 0, s.at(base, v))
}

// elementwiseOp is one operation; f leaves its result in dst. Its sources are a, and b where two is
// set; where updates is set, dst begins with what it was.
type elementwiseOp struct {
	name                 string
	signature            string
	scalar, two, updates bool
	one                  bool // f uses s.one
	f                    func(s *stream, dst, a, b reg.VecVirtual)
}

const (
	withScalar = "func(dst, a []float32, s float32)"
	withTwo    = "func(dst, a, b []float32)"
	withOne    = "func(dst, a []float32)"
)

func elementwiseOps() []elementwiseOp {
	return []elementwiseOp{
		{name: "axpy", signature: withScalar, scalar: true, updates: true, f: func(s *stream, dst, a, _ reg.VecVirtual) { VFMADD231PS(a, s.scalar, dst) }},
		{name: "scale", signature: withScalar, scalar: true, f: func(s *stream, dst, a, _ reg.VecVirtual) { VMULPS(a, s.scalar, dst) }},
		{name: "add", signature: withTwo, two: true, f: func(_ *stream, dst, a, b reg.VecVirtual) { VADDPS(b, a, dst) }},
		{name: "sub", signature: withTwo, two: true, f: func(_ *stream, dst, a, b reg.VecVirtual) { VSUBPS(b, a, dst) }},
		{name: "mul", signature: withTwo, two: true, f: func(_ *stream, dst, a, b reg.VecVirtual) { VMULPS(b, a, dst) }},
		{name: "mulAdd", signature: withTwo, two: true, updates: true, f: func(_ *stream, dst, a, b reg.VecVirtual) { VFMADD231PS(b, a, dst) }},
		{name: "relu", signature: withOne, f: func(s *stream, dst, a, _ reg.VecVirtual) { VMAXPS(a, s.zero, dst) }}, // in this order a NaN stays
		{name: "reluMask", signature: withTwo, two: true, f: positive},
		{name: "reluBack", signature: withTwo, two: true, updates: true, f: addPositive},
		{name: "sigmoidBack", signature: withTwo, two: true, updates: true, one: true, f: func(s *stream, dst, y, g reg.VecVirtual) {
			slope := s.fresh()
			VSUBPS(y, s.one, slope) // exact near 1, where y - y² would cancel
			VMULPS(y, slope, slope)
			VFMADD231PS(slope, g, dst)
		}},
		{name: "tanhBack", signature: withTwo, two: true, updates: true, one: true, f: func(s *stream, dst, y, g reg.VecVirtual) {
			slope := s.fresh()
			VMOVAPS(s.one, slope)
			VFNMADD231PS(y, y, slope)
			VFMADD231PS(slope, g, dst)
		}},
	}
}

// positive is b where a is greater than zero, else zero.
func positive(s *stream, dst, a, b reg.VecVirtual) {
	const greater = 30 // quiet: NaN is not greater
	if s.wide {
		k := K()
		VCMPPS(U8(greater), s.zero, a, k)
		VMOVAPS_Z(b, k, dst)
		return
	}
	VCMPPS(U8(greater), s.zero, a, dst)
	VANDPS(b, dst, dst)
}

// addPositive adds b where a is greater than zero; elsewhere dst keeps its bits, also those of -0.
func addPositive(s *stream, dst, a, b reg.VecVirtual) {
	const greater = 30 // quiet: NaN is not greater
	if s.wide {
		k := K()
		VCMPPS(U8(greater), s.zero, a, k)
		VADDPS(b, dst, k, dst)
		return
	}
	mask, sum := s.fresh(), s.fresh()
	VCMPPS(U8(greater), s.zero, a, mask)
	VADDPS(b, dst, sum)
	VBLENDVPS(mask, sum, dst, dst)
}

func elementwise() {
	for _, s := range sets {
		for _, op := range elementwiseOps() {
			op.function(s)
		}
	}
}

func (op elementwiseOp) function(of set) {
	s := of.newStream(op.name, op.signature)
	dst, a := base("dst"), base("a")
	var b reg.Register
	if op.two {
		b = base("b")
	}
	if op.scalar {
		s.scalar = s.fresh()
		m, err := Param("s").Resolve()
		if err != nil {
			panic(err)
		}
		VBROADCASTSS(m.Addr, s.scalar)
	} else {
		s.zero = s.fresh()
		VXORPS(s.zero, s.zero, s.zero)
	}
	if op.one {
		bits := GP32()
		MOVL(U32(math.Float32bits(1)), bits)
		s.one = s.fresh()
		VMOVD(bits, s.one.AsX())
		VBROADCASTSS(s.one.AsX(), s.one)
	}
	s.loop("dst", 4, func(vectors int) {
		for v := range vectors {
			x := s.read(a, v)
			var y reg.VecVirtual
			if op.two {
				y = s.read(b, v)
			}
			to := s.fresh()
			if op.updates {
				s.load(s.at(dst, v), 0, to)
			}
			op.f(s, to, x, y)
			s.write(to, dst, v)
		}
	})
	s.ret()
}
