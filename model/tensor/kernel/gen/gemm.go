package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func gemm() {
	for _, s := range sets {
		s.product(false)
		s.product(true)
	}
	// Stores past the caches are ordered by a fence of their own.
	TEXT("fence", NOSPLIT, "func()")
	SFENCE()
	RET()
}

// The bits of a call's flags, as in gemm.go of the kernels.
const (
	flagAdd  = 1
	flagReLU = 2
	flagPast = 4
)

// gemmKernel is one function while it is written. Live over the k loop are only what it
// needs; the rest is read from the arguments again for every panel of columns.
//
// The tile of C that is kept in registers while k runs has up to most rows and two vectors of columns.
type gemmKernel struct {
	registers
	transposed bool
	label      string
	lda, lda3  reg.GPVirtual // row stride of A in bytes, times three, times five
	lda5       reg.GPVirtual
	ldb        reg.GPVirtual
	ldc        reg.GPVirtual
	off        reg.GPVirtual // bytes of columns done
}

// most is the number of rows of a tile: as many as leave room for what else is live.
func (s set) most() int {
	if s.wide {
		return 14
	}
	return 6
}

// product writes C = A B (+ C, + bias, ReLU) for a block of up to most rows of A, or of A
// transposed, and all columns.
func (s set) product(transposed bool) {
	name := "gemmRows" + s.suffix
	if transposed {
		name = "gemmCols" + s.suffix
	}
	TEXT(name, NOSPLIT, "func(a *float32, lda int, b *float32, ldb int, c *float32, ldc int, rows, n, k int, bias *float32, flags int)")
	Pragma("noescape")
	g := gemmKernel{registers: registers{set: s}, transposed: transposed}
	g.lda = Load(Param("lda"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), g.lda)
	if !transposed {
		g.lda3, g.lda5 = GP64(), GP64()
		LEAQ(Mem{Base: g.lda, Index: g.lda, Scale: 2}, g.lda3)
		LEAQ(Mem{Base: g.lda, Index: g.lda, Scale: 4}, g.lda5)
	}
	g.ldb = Load(Param("ldb"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), g.ldb)
	g.ldc = Load(Param("ldc"), GP64()).(reg.GPVirtual)
	SHLQ(U8(2), g.ldc)
	g.off, g.left = GP64(), GP64()
	XORQ(g.off, g.off)
	Load(Param("n"), g.left)
	rows := Load(Param("rows"), GP64())
	for r := s.most(); r > 1; r-- {
		CMPQ(rows, U8(r))
		JEQ(LabelRef(fmt.Sprintf("rows%d", r)))
	}
	for r := 1; r <= s.most(); r++ {
		g.block(r)
	}
}

// block writes the loop over panels of columns for a number of rows.
func (g *gemmKernel) block(rows int) {
	g.label = fmt.Sprintf("rows%d", rows)
	Label(g.label)
	Label(g.label + "panel")
	CMPQ(g.left, U8(2*g.lanes))
	JLT(LabelRef(g.label + "tail"))
	g.panel(rows, 2, false)
	ADDQ(U32(8*g.lanes), g.off)
	SUBQ(U8(2*g.lanes), g.left)
	JMP(LabelRef(g.label + "panel"))

	Label(g.label + "tail")
	CMPQ(g.left, U8(g.lanes))
	JLE(LabelRef(g.label + "one"))
	SUBQ(U8(g.lanes), g.left)
	g.panel(rows, 2, true)
	g.ret()

	Label(g.label + "one")
	TESTQ(g.left, g.left)
	JLE(LabelRef(g.label + "done"))
	g.panel(rows, 1, true)
	Label(g.label + "done")
	g.ret()
}

// panel writes one tile of C; with masked the last vector holds left columns only.
func (g *gemmKernel) panel(rows, vectors int, masked bool) {
	name := fmt.Sprintf("%sv%d", g.label, vectors)
	if masked {
		name += "m"
		g.mask(vectors)
	} else {
		g.masks = [2]reg.Register{}
	}
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		for range vectors {
			acc[r] = append(acc[r], g.fresh())
		}
	}
	g.fetch(name, acc)
	g.start(name, acc)
	g.multiply(name, acc)
	g.finish(name, acc)
}

// fetch asks for the tile of C early: by the time that it is written it has come.
func (g *gemmKernel) fetch(name string, acc [][]reg.VecVirtual) {
	flags := Load(Param("flags"), GP64())
	TESTQ(U32(flagPast), flags)
	JNZ(LabelRef(name + "fetched"))
	g.rows(acc, func(_ []reg.VecVirtual, at Mem) {
		PREFETCHT0(at)
		if len(acc[0])*g.lanes > 16 {
			PREFETCHT0(at.Offset(64))
		}
	})
	Label(name + "fetched")
}

// start fills the tile with C, the bias or zeros.
func (g *gemmKernel) start(name string, acc [][]reg.VecVirtual) {
	flags := Load(Param("flags"), GP64())
	TESTQ(U32(flagAdd), flags)
	JNZ(LabelRef(name + "add"))
	bias := Load(Param("bias"), GP64())
	TESTQ(bias, bias)
	JNZ(LabelRef(name + "bias"))
	for _, row := range acc {
		for _, a := range row {
			VXORPS(a, a, a)
		}
	}
	JMP(LabelRef(name + "go"))
	Label(name + "bias")
	ADDQ(g.off, bias)
	for v := range acc[0] {
		g.load(Mem{Base: bias}, v, acc[0][v])
		for _, row := range acc[1:] {
			VMOVAPS(acc[0][v], row[v])
		}
	}
	JMP(LabelRef(name + "go"))
	Label(name + "add")
	g.rows(acc, func(row []reg.VecVirtual, at Mem) {
		for v, a := range row {
			g.load(at, v, a)
		}
	})
	Label(name + "go")
}

// rows visits the rows of the tile of C.
func (g *gemmKernel) rows(acc [][]reg.VecVirtual, f func(row []reg.VecVirtual, at Mem)) {
	at := Load(Param("c"), GP64())
	ADDQ(g.off, at)
	for r, row := range acc {
		if r > 0 {
			ADDQ(g.ldc, at)
		}
		f(row, Mem{Base: at})
	}
}

// multiply runs along k.
func (g *gemmKernel) multiply(name string, acc [][]reg.VecVirtual) {
	k := Load(Param("k"), GP64())
	TESTQ(k, k)
	JLE(LabelRef(name + "out"))
	b := Load(Param("b"), GP64())
	ADDQ(g.off, b)
	a := Load(Param("a"), GP64())
	a7 := GP64()
	if !g.transposed && len(acc) > 7 {
		LEAQ(Mem{Base: a, Index: g.lda, Scale: 8}, a7)
		SUBQ(g.lda, a7)
	}
	Label(name + "k")
	var column []reg.VecVirtual
	for v := range acc[0] {
		column = append(column, g.fresh())
		g.load(Mem{Base: b}, v, column[v])
	}
	for r, row := range acc {
		at := g.element(a, a7, r)
		if g.wide {
			for v, c := range row {
				VFMADD231PS_BCST(at, column[v], c)
			}
			continue
		}
		one := YMM()
		VBROADCASTSS(at, one)
		for v, c := range row {
			VFMADD231PS(one, column[v], c)
		}
	}
	if g.transposed {
		ADDQ(g.lda, a)
	} else {
		ADDQ(U8(4), a)
		if len(acc) > 7 {
			ADDQ(U8(4), a7)
		}
	}
	ADDQ(g.ldb, b)
	DECQ(k)
	JNZ(LabelRef(name + "k"))
	Label(name + "out")
}

// element is where row r of the block has its element of A.
func (g *gemmKernel) element(a, a7 reg.Register, r int) Mem {
	if g.transposed {
		return Mem{Base: a, Disp: 4 * r}
	}
	base := a
	if r >= 7 {
		base, r = a7, r-7
	}
	switch r {
	case 0:
		return Mem{Base: base}
	case 3:
		return Mem{Base: base, Index: g.lda3, Scale: 1}
	case 5:
		return Mem{Base: base, Index: g.lda5, Scale: 1}
	case 6:
		return Mem{Base: base, Index: g.lda3, Scale: 2}
	}
	return Mem{Base: base, Index: g.lda, Scale: uint8(r)}
}

// finish applies ReLU where wanted and writes the tile.
func (g *gemmKernel) finish(name string, acc [][]reg.VecVirtual) {
	flags := Load(Param("flags"), GP64())
	TESTQ(U32(flagReLU), flags)
	JZ(LabelRef(name + "write"))
	zero := g.fresh()
	VXORPS(zero, zero, zero)
	for _, row := range acc {
		for _, a := range row {
			VMAXPS(a, zero, a) // in this order a NaN stays
		}
	}
	Label(name + "write")
	if g.masks[len(acc[0])-1] == nil {
		flags := Load(Param("flags"), GP64())
		TESTQ(U32(flagPast), flags)
		JZ(LabelRef(name + "cached"))
		g.rows(acc, func(row []reg.VecVirtual, at Mem) {
			for v, a := range row {
				VMOVNTPS(a, at.Offset(4*g.lanes*v))
			}
		})
		JMP(LabelRef(name + "written"))
		Label(name + "cached")
	}
	g.rows(acc, func(row []reg.VecVirtual, at Mem) {
		for v, a := range row {
			g.store(a, v, at)
		}
	})
	if g.masks[len(acc[0])-1] == nil {
		Label(name + "written")
	}
}
