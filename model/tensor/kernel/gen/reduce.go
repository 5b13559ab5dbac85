package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func reduce() {
	for _, s := range sets {
		s.sum("sum", "func(a []float32) float64", func(acc, x, _ reg.VecVirtual) { VADDPD(x, acc, acc) })
		s.sum("sumSquares", "func(a []float32) float64", func(acc, x, _ reg.VecVirtual) { VFMADD231PD(x, x, acc) })
		s.sum("dot", "func(a, b []float32) float64", func(acc, x, y reg.VecVirtual) { VFMADD231PD(y, x, acc) })
		s.colSum()
	}
}

// sum writes a reduction: two sums in float64 for each of up to two vectors of float32. Lanes
// behind the end add zero.
func (of set) sum(name, signature string, add func(acc, x, y reg.VecVirtual)) {
	s := of.newStream(name, signature)
	names := []string{"a"}
	if name == "dot" {
		names = append(names, "b")
	}
	var bases []reg.Register
	for _, n := range names {
		bases = append(bases, base(n))
	}
	var acc []reg.VecVirtual
	for range 4 {
		x := s.fresh()
		VXORPD(x, x, x)
		acc = append(acc, x)
	}
	s.loop("a", 2, func(vectors int) {
		for v := range vectors {
			var halves [2][]reg.VecVirtual
			for _, b := range bases {
				low, high := s.doubles(s.read(b, v))
				halves[0], halves[1] = append(halves[0], low), append(halves[1], high)
			}
			for h, x := range halves {
				add(acc[2*v+h], x[0], x[len(x)-1])
			}
		}
	})
	VADDPD(acc[1], acc[0], acc[0])
	VADDPD(acc[3], acc[2], acc[2])
	Store(s.total(acc[0], acc[2]), ReturnIndex(0))
	s.ret()
}

// rowsInFloat32 is how many rows colSum adds before it goes over to float64.
const rowsInFloat32 = 64

// colSum writes the sums of columns: panels of up to four vectors of columns, through all rows.
func (of set) colSum() {
	s := of.newStream("colSum", "func(dst, src []float32)")
	dst := base("dst")
	stride, end := GP64(), GP64()
	Load(Param("dst").Len(), stride)
	SHLQ(U8(2), stride)
	Load(Param("src").Len(), end)
	src := base("src")
	LEAQ(Mem{Base: src, Index: end, Scale: 4}, end)
	panel := 0
	s.loop("dst", 4, func(vectors int) {
		panel++
		s.panelSum(fmt.Sprintf("panel%d", panel), dst, src, stride, end, vectors)
	})
	s.ret()
}

// panelSum adds the rows of some vectors of columns to dst.
func (s *stream) panelSum(name string, dst, src, stride, end reg.Register, vectors int) {
	sums := s.newColumns(vectors)
	row, rows := GP64(), GP64() // row is that of column 0
	MOVQ(src, row)
	Label(name + "rows")
	CMPQ(row, end)
	JAE(LabelRef(name + "out"))
	sums.clear()
	MOVQ(U32(rowsInFloat32), rows)
	Label(name + "row")
	for v, x := range sums.single {
		m := s.at(row, v)
		if s.masks[0] == nil {
			VADDPS(m, x, x)
			continue
		}
		VADDPS(s.read(row, v), x, x)
	}
	ADDQ(stride, row)
	CMPQ(row, end)
	JAE(LabelRef(name + "double"))
	DECQ(rows)
	JNZ(LabelRef(name + "row"))
	Label(name + "double")
	sums.carry()
	JMP(LabelRef(name + "rows"))
	Label(name + "out")
	sums.addTo(dst)
}

// columns are the sums of some vectors of columns: up to rowsInFloat32 rows are added in float32
// before they are carried into float64.
type columns struct {
	s      *stream
	single []reg.VecVirtual
	double [][2]reg.VecVirtual
}

func (s *stream) newColumns(vectors int) *columns {
	c := &columns{s: s}
	for range vectors {
		low, high := s.fresh(), s.fresh()
		VXORPD(low, low, low)
		VXORPD(high, high, high)
		c.single, c.double = append(c.single, s.fresh()), append(c.double, [2]reg.VecVirtual{low, high})
	}
	return c
}

// clear begins the sums in float32.
func (c *columns) clear() {
	for _, x := range c.single {
		VXORPS(x, x, x)
	}
}

// carry adds them to those in float64.
func (c *columns) carry() {
	for v, x := range c.single {
		low, high := c.s.doubles(x)
		VADDPD(low, c.double[v][0], c.double[v][0])
		VADDPD(high, c.double[v][1], c.double[v][1])
	}
}

// addTo adds the sums to what dst holds.
func (c *columns) addTo(dst reg.Register) {
	for v, sum := range c.double {
		low, high := c.s.doubles(c.s.read(dst, v))
		VADDPD(low, sum[0], low)
		VADDPD(high, sum[1], high)
		c.s.write(c.s.singles(low, high), dst, v)
	}
}
