package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func softmax() {
	c := newConstants("softmaxNumbers")
	for _, s := range sets {
		newRowKernel(s, c, "softmaxRows", "func(dst, src *float32, rows, c int)").softmax()
		newRowKernel(s, c, "softmaxRowsBack", "func(dst, y, dY *float32, rows, c int)").softmaxBack()
	}
}

// rowKernel goes over dense rows of c columns, several times each.
type rowKernel struct {
	vector
	ptrs []reg.GPVirtual
}

func newRowKernel(s set, c *constants, name, signature string) *rowKernel {
	k := &rowKernel{vector: vector{stream: *s.newStream(name, signature), constants: c}}
	k.off, k.left = GP64(), GP64()
	return k
}

// pointers are arguments that move from row to row.
func (k *rowKernel) pointers(names ...string) []reg.GPVirtual {
	for _, n := range names {
		k.ptrs = append(k.ptrs, Load(Param(n), GP64()).(reg.GPVirtual))
	}
	return k.ptrs
}

// rows writes the loop over rows.
func (k *rowKernel) rows(body func()) {
	rows := Load(Param("rows"), GP64())
	Label("row")
	body()
	width := Load(Param("c"), GP64())
	for _, p := range k.ptrs {
		LEAQ(Mem{Base: p, Index: width, Scale: 4}, p)
	}
	DECQ(rows)
	JNZ(LabelRef("row"))
	k.ret()
}

// sweep writes a loop over a row: whole vectors, then what is left under a mask.
func (k *rowKernel) sweep(name string, step func()) {
	XORQ(k.off, k.off)
	Load(Param("c"), k.left)
	k.masks[0] = nil
	SUBQ(U8(k.lanes), k.left)
	JLT(LabelRef(name + "tail"))
	Label(name)
	step()
	ADDQ(U8(4*k.lanes), k.off)
	SUBQ(U8(k.lanes), k.left)
	JGE(LabelRef(name))
	Label(name + "tail")
	ADDQ(U8(k.lanes), k.left)
	JZ(LabelRef(name + "done"))
	k.mask(1)
	step()
	k.masks[0] = nil
	Label(name + "done")
}

func (k *rowKernel) at(p reg.Register) Mem { return k.stream.at(p, 0) }

func (k *rowKernel) read(p reg.Register) reg.VecVirtual { return k.stream.read(p, 0) }

func (k *rowKernel) write(x reg.VecVirtual, p reg.Register) { k.stream.write(x, p, 0) }

func (k *rowKernel) zero() reg.VecVirtual {
	x := k.fresh()
	VXORPS(x, x, x)
	return x
}

func (k *rowKernel) broadcast(m Op) reg.VecVirtual {
	x := k.fresh()
	VBROADCASTSS(m, x)
	return x
}

// param is an argument's address, for broadcasts.
func param(name string) Mem {
	m, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return m.Addr
}

// within is x, and other in the lanes behind the row's end.
func (k *rowKernel) within(x, other reg.VecVirtual) reg.VecVirtual {
	m := k.masks[0]
	if m == nil {
		return x
	}
	y := k.fresh()
	if k.wide {
		VBLENDMPS(x, other, m, y)
	} else {
		VBLENDVPS(m, x, other, y)
	}
	return y
}

// across combines all lanes of x into its lowest, by an operation of x and its upper half.
func (k *rowKernel) across(x reg.VecVirtual, f func(a, b, to reg.Register)) reg.VecVirtual {
	if k.wide {
		high, sum := YMM(), YMM()
		VEXTRACTF32X8(U8(1), x, high)
		f(high, x.AsY(), sum)
		x = sum
	}
	high, half := XMM(), XMM()
	VEXTRACTF128(U8(1), x, high)
	f(high, x.AsX(), half)
	for _, order := range []uint8{0b1110, 0b01} { // the upper two, then the second
		other := XMM()
		VPERMILPS(U8(order), half, other)
		next := XMM()
		f(other, half, next)
		half = next
	}
	return half
}

// single is a float64 rounded, in every lane of float32.
func (k *rowKernel) single(x reg.VecVirtual) reg.VecVirtual {
	s := XMM()
	VCVTSD2SS(x, x, s)
	return k.broadcast(s)
}

// expBelow is exp(x) for x up to 0.
func (k *rowKernel) expBelow(x reg.VecVirtual) reg.VecVirtual {
	return k.expWithin(k.reduced(k.least(x, k.num(-104.5))))
}

// softmax lets NaN pass by in the maximum: the exponentials and their sum find it.
func (k *rowKernel) softmax() {
	p := k.pointers("dst", "src")
	dst, src := p[0], p[1]
	k.rows(func() {
		start := k.broadcast(Mem{Base: src})
		top := k.copy(start)
		k.sweep("largest", func() { VMAXPS(top, k.within(k.read(src), start), top) })
		top = k.broadcast(k.across(top, func(a, b, to reg.Register) { VMAXPS(a, b, to) }))
		sum := k.zero()
		none := k.zero()
		k.sweep("exponential", func() {
			e := k.expBelow(k.sub(k.read(src), top))
			k.write(e, dst)
			VADDPS(k.within(e, none), sum, sum)
		})
		one := XMM()
		s := k.across(sum, func(a, b, to reg.Register) { VADDPS(a, b, to) })
		VMOVSS(k.num(1), one)
		VDIVSS(s, one, one)
		scale := k.broadcast(one)
		k.sweep("scaled", func() { k.write(k.mul(k.read(dst), scale), dst) })
	})
}

func (k *rowKernel) softmaxBack() {
	p := k.pointers("dst", "y", "dY")
	dst, y, g := p[0], p[1], p[2]
	k.rows(func() {
		a, b := k.zero(), k.zero()
		k.sweep("product", func() {
			yLow, yHigh := k.doubles(k.read(y))
			gLow, gHigh := k.doubles(k.read(g))
			VFMADD231PD(gLow, yLow, a)
			VFMADD231PD(gHigh, yHigh, b)
		})
		s := k.single(k.total(a, b))
		k.sweep("add", func() { k.write(k.fma(k.read(y), k.sub(k.read(g), s), k.read(dst)), dst) })
	})
}
