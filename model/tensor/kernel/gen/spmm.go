package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func spmm() {
	for _, s := range sets {
		(&spmmKernel{registers: registers{set: s}}).function()
	}
}

// spmmKernel keeps a row of the result in up to four vectors while the row's entries run.
type spmmKernel struct {
	registers
	off reg.GPVirtual // bytes of columns done
}

// function writes Y[i,:] (+)= Σ val[e] X[col[e],:] over the entries e of row i.
func (s *spmmKernel) function() {
	TEXT("spmmRows"+s.suffix, NOSPLIT, "func(ptr *int32, rows int, col *int32, val *float32, x *float32, ldx int, y *float32, ldy, c, flags int)")
	Pragma("noescape")
	s.off, s.left = GP64(), GP64()
	XORQ(s.off, s.off)
	Load(Param("c"), s.left)
	Label("whole")
	CMPQ(s.left, U32(4*s.lanes))
	JLT(LabelRef("rest"))
	s.columns("w", 4, false)
	ADDQ(U32(16*s.lanes), s.off)
	SUBQ(U8(4*s.lanes), s.left)
	JMP(LabelRef("whole"))

	Label("rest")
	TESTQ(s.left, s.left)
	JLE(LabelRef("done"))
	for vectors := 4; vectors >= 1; vectors-- {
		Label(fmt.Sprintf("rest%d", vectors))
		if vectors > 1 {
			CMPQ(s.left, U8((vectors-1)*s.lanes))
			JLE(LabelRef(fmt.Sprintf("rest%d", vectors-1)))
			SUBQ(U8((vectors-1)*s.lanes), s.left)
		}
		s.columns(fmt.Sprintf("r%d", vectors), vectors, true)
		JMP(LabelRef("done"))
	}
	Label("done")
	s.ret()
}

// maskLast is mask for any number of vectors.
func (s *spmmKernel) maskLast(vectors int, masked bool) []reg.Register {
	masks := make([]reg.Register, vectors)
	if masked {
		s.mask(1)
		masks[vectors-1] = s.masks[0]
	}
	return masks
}

func (s *spmmKernel) move(m Mem, k reg.Register, v reg.VecVirtual, store bool) {
	s.masks[0] = k
	if store {
		s.store(v, 0, m)
	} else {
		s.load(m, 0, v)
	}
}

// columns writes the loop over all rows for a panel of columns.
func (s *spmmKernel) columns(name string, vectors int, masked bool) {
	masks := s.maskLast(vectors, masked)
	ptr := Load(Param("ptr"), GP64())
	rows := Load(Param("rows"), GP64())
	y := Load(Param("y"), GP64())
	ADDQ(s.off, y)
	x := Load(Param("x"), GP64())
	ADDQ(s.off, x)
	ldx := Load(Param("ldx"), GP64())
	SHLQ(U8(2), ldx)
	col := Load(Param("col"), GP64())
	val := Load(Param("val"), GP64())
	entry, end := GP64(), GP64()
	MOVLQSX(Mem{Base: ptr}, entry)

	Label(name + "row")
	TESTQ(rows, rows)
	JLE(LabelRef(name + "end"))
	acc := make([]reg.VecVirtual, vectors)
	for v := range acc {
		acc[v] = s.fresh()
		VXORPS(acc[v], acc[v], acc[v])
	}
	flags := Load(Param("flags"), GP64())
	TESTQ(U32(flagAdd), flags)
	JZ(LabelRef(name + "zero"))
	for v := range acc {
		s.move(Mem{Base: y, Disp: 4 * s.lanes * v}, masks[v], acc[v], false)
	}
	Label(name + "zero")
	MOVLQSX(Mem{Base: ptr, Disp: 4}, end)
	Label(name + "entry")
	CMPQ(entry, end)
	JGE(LabelRef(name + "write"))
	at, weight := GP64(), s.fresh()
	MOVLQSX(Mem{Base: col, Index: entry, Scale: 4}, at)
	IMULQ(ldx, at)
	VBROADCASTSS(Mem{Base: val, Index: entry, Scale: 4}, weight)
	for v := range acc {
		from := Mem{Base: x, Index: at, Scale: 1, Disp: 4 * s.lanes * v}
		if masks[v] == nil {
			VFMADD231PS(from, weight, acc[v])
			continue
		}
		part := s.fresh()
		s.move(from, masks[v], part, false)
		VFMADD231PS(part, weight, acc[v])
	}
	INCQ(entry)
	JMP(LabelRef(name + "entry"))
	Label(name + "write")
	for v := range acc {
		s.move(Mem{Base: y, Disp: 4 * s.lanes * v}, masks[v], acc[v], true)
	}
	ldy := Load(Param("ldy"), GP64())
	LEAQ(Mem{Base: y, Index: ldy, Scale: 4}, y)
	ADDQ(U8(4), ptr)
	DECQ(rows)
	JMP(LabelRef(name + "row"))
	Label(name + "end")
}
