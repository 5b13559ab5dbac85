package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func reduce() {
	maskTable = tailMask()
	for _, t := range []tile{tile256, tile512} {
		t.sum("sum", "func(a []float32) float64", func(acc, x, _ reg.VecVirtual) { VADDPD(x, acc, acc) })
		t.sum("sumSquares", "func(a []float32) float64", func(acc, x, _ reg.VecVirtual) { VFMADD231PD(x, x, acc) })
		t.sum("dot", "func(a, b []float32) float64", func(acc, x, y reg.VecVirtual) { VFMADD231PD(y, x, acc) })
		t.colSum()
	}
}

// sum writes a reduction: two sums in float64 for each of up to two vectors of float32. Lanes
// behind the end add zero.
func (t tile) sum(name, signature string, add func(acc, x, y reg.VecVirtual)) {
	s := t.newStream(name, signature)
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
		x := s.vector()
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
	VADDPD(acc[2], acc[0], acc[0])
	if t.wide {
		high := YMM()
		VEXTRACTF64X4(U8(1), acc[0], high)
		VADDPD(high, acc[0].AsY(), acc[0].AsY())
	}
	high := XMM()
	VEXTRACTF128(U8(1), acc[0].AsY(), high)
	VADDPD(high, acc[0].AsX(), high)
	swapped := XMM()
	VPERMILPD(U8(1), high, swapped)
	VADDSD(swapped, high, high)
	Store(high, ReturnIndex(0))
	s.ret()
}

// doubles are the two halves of a vector, in float64.
func (s *stream) doubles(x reg.VecVirtual) (low, high reg.VecVirtual) {
	low, high = s.vector(), s.vector()
	if s.wide {
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

// rowsInFloat32 is how many rows colSum adds before it goes over to float64.
const rowsInFloat32 = 64

// colSum writes the sums of columns: panels of up to four vectors of columns, through all rows.
func (t tile) colSum() {
	s := t.newStream("colSum", "func(dst, src []float32)")
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
	var single []reg.VecVirtual
	var double [][2]reg.VecVirtual
	for range vectors {
		low, high := s.vector(), s.vector()
		VXORPD(low, low, low)
		VXORPD(high, high, high)
		single, double = append(single, s.vector()), append(double, [2]reg.VecVirtual{low, high})
	}
	row, rows := GP64(), GP64() // row is that of column 0
	MOVQ(src, row)
	Label(name + "rows")
	CMPQ(row, end)
	JAE(LabelRef(name + "out"))
	for _, x := range single {
		VXORPS(x, x, x)
	}
	MOVQ(U32(rowsInFloat32), rows)
	Label(name + "row")
	for v, x := range single {
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
	for v, x := range single {
		low, high := s.doubles(x)
		VADDPD(low, double[v][0], double[v][0])
		VADDPD(high, double[v][1], double[v][1])
	}
	JMP(LabelRef(name + "rows"))
	Label(name + "out")
	for v := range single {
		low, high := s.doubles(s.read(dst, v))
		VADDPD(low, double[v][0], low)
		VADDPD(high, double[v][1], high)
		s.write(s.singles(low, high), dst, v)
	}
}

// singles is the reverse of doubles.
func (s *stream) singles(low, high reg.VecVirtual) reg.VecVirtual {
	to := s.vector()
	if s.wide {
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
