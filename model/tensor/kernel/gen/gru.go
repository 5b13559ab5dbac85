package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func gru() {
	c := newConstants("gruNumbers")
	for _, s := range sets {
		(&gruKernel{vector: s.newVector(c)}).forward()
		(&gruKernel{vector: s.newVector(c)}).backward()
	}
}

// gruKernel runs over rows of c columns. Pointers move along a row; those into rows of three
// blocks then skip the other two.
type gruKernel struct {
	vector
	width, thrice  reg.GPVirtual // bytes of c columns, and of three times as many
	single, triple []reg.GPVirtual
	four           reg.GPVirtual // the one into rows of four blocks
}

func (g *gruKernel) pointers(names ...string) (out []reg.GPVirtual) {
	for _, n := range names {
		out = append(out, Load(Param(n), GP64()).(reg.GPVirtual))
	}
	return out
}

// block is where block i of a row lies.
func (g *gruKernel) block(p reg.GPVirtual, i int) Mem {
	switch i {
	case 0:
		return Mem{Base: p}
	case 3:
		return Mem{Base: p, Index: g.thrice, Scale: 1}
	}
	return Mem{Base: p, Index: g.width, Scale: uint8(i)}
}

func (g *gruKernel) read(m Mem) reg.VecVirtual {
	x := g.fresh()
	g.load(m, 0, x)
	return x
}

// sweep writes the loops over rows and columns.
func (g *gruKernel) sweep(body func(name string)) {
	g.width, g.left = GP64(), GP64()
	rows := Load(Param("rows"), GP64())
	Load(Param("c"), g.width)
	SHLQ(U8(2), g.width)
	g.thrice = GP64()
	LEAQ(Mem{Base: g.width, Index: g.width, Scale: 2}, g.thrice)
	all := append(append([]reg.GPVirtual{g.four}, g.single...), g.triple...)
	Label("row")
	TESTQ(rows, rows)
	JLE(LabelRef("done"))
	Load(Param("c"), g.left)
	g.masks[0] = nil
	Label("column")
	CMPQ(g.left, U8(g.lanes))
	JLT(LabelRef("tail"))
	body("whole")
	for _, p := range all {
		ADDQ(U8(4*g.lanes), p)
	}
	SUBQ(U8(g.lanes), g.left)
	JMP(LabelRef("column"))
	Label("tail")
	TESTQ(g.left, g.left)
	JLE(LabelRef("next"))
	g.mask(1)
	body("part")
	for _, p := range all {
		LEAQ(Mem{Base: p, Index: g.left, Scale: 4}, p)
	}
	Label("next")
	for _, p := range g.triple {
		LEAQ(Mem{Base: p, Index: g.width, Scale: 2}, p)
	}
	ADDQ(g.thrice, g.four)
	DECQ(rows)
	JMP(LabelRef("row"))
	Label("done")
	g.ret()
}

func (g *gruKernel) forward() {
	TEXT("gruGates"+g.suffix, NOSPLIT, "func(out, h, in, rec, gates *float32, rows, c int)")
	Pragma("noescape")
	g.single = g.pointers("out", "h")
	g.triple = g.pointers("in", "rec")
	g.four = g.pointers("gates")[0]
	out, h := g.single[0], g.single[1]
	in, rec, keep := g.triple[0], g.triple[1], g.four
	g.sweep(func(name string) {
		var gate [2]reg.VecVirtual // r, z
		for i := range gate {
			gate[i] = g.sigmoid(g.add(g.read(g.block(in, i)), g.read(g.block(rec, i))))
		}
		hidden := g.read(g.block(rec, 2))
		n := g.tanh(g.fma(gate[0], hidden, g.read(g.block(in, 2))))
		state := g.fma(gate[1], g.sub(g.read(Mem{Base: h}), n), n)
		g.store(state, 0, Mem{Base: out})
		whole := GP64()
		Load(Param("gates"), whole)
		TESTQ(whole, whole)
		JZ(LabelRef(name + "kept"))
		g.store(gate[0], 0, g.block(keep, 0))
		g.store(gate[1], 0, g.block(keep, 1))
		g.store(n, 0, g.block(keep, 2))
		g.store(hidden, 0, g.block(keep, 3))
		Label(name + "kept")
	})
}

func (g *gruKernel) backward() {
	TEXT("gruGatesBack"+g.suffix, NOSPLIT, "func(dIn, dRec, dH, dY, h, gates *float32, rows, c int)")
	Pragma("noescape")
	g.single = g.pointers("dH", "dY", "h")
	g.triple = g.pointers("dIn", "dRec")
	g.four = g.pointers("gates")[0]
	dH, dY, h := g.single[0], g.single[1], g.single[2]
	dIn, dRec, keep := g.triple[0], g.triple[1], g.four
	g.sweep(func(name string) {
		one := g.load1(g.num(1))
		r, z, n := g.read(g.block(keep, 0)), g.read(g.block(keep, 1)), g.read(g.block(keep, 2))
		dy := g.read(Mem{Base: dY})
		keepState, change := g.mul(dy, z), g.sub(one, z)
		dn := g.mul(g.mul(dy, change), g.fnma(n, n, one)) // dy - dy z would cancel where z is nearly one
		dz := g.mul(g.mul(keepState, change), g.sub(g.read(Mem{Base: h}), n))
		dHidden := g.mul(dn, r)
		dr := g.mul(g.mul(dHidden, g.read(g.block(keep, 3))), g.sub(one, r))
		g.store(dr, 0, g.block(dIn, 0))
		g.store(dz, 0, g.block(dIn, 1))
		g.store(dn, 0, g.block(dIn, 2))
		g.store(dr, 0, g.block(dRec, 0))
		g.store(dz, 0, g.block(dRec, 1))
		g.store(dHidden, 0, g.block(dRec, 2))
		whole := GP64()
		Load(Param("dH"), whole)
		TESTQ(whole, whole)
		JZ(LabelRef(name + "stated"))
		g.store(keepState, 0, Mem{Base: dH})
		Label(name + "stated")
	})
}
