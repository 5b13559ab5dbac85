package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func layernorm() {
	c := newConstants("layerNormNumbers")
	for _, s := range sets {
		newRowKernel(s, c, "layerNormRows", "func(dst, src, gain, bias, mean, inv *float32, eps float32, rows, c int)").layerNorm()
		newRowKernel(s, c, "layerNormRowsBack", "func(dX, dY, src, gain, mean, inv *float32, rows, c int)").layerNormBack()
		s.layerNormGain()
	}
}

// fixed are arguments that stay where they are.
func fixed(names ...string) (out []reg.Register) {
	for _, n := range names {
		out = append(out, Load(Param(n), GP64()))
	}
	return out
}

// oneAndShare are 1 and 1/c in float64.
func oneAndShare() (one, share reg.VecVirtual) {
	one, share = XMM(), XMM()
	bits, c := GP64(), Load(Param("c"), GP64())
	MOVQ(U64(math.Float64bits(1)), bits)
	VMOVQ(bits, one)
	VXORPD(share, share, share)
	VCVTSI2SDQ(c, share, share)
	VDIVSD(share, one, share)
	return one, share
}

// everyDouble is a float64 in every lane.
func (k *rowKernel) everyDouble(x reg.VecVirtual) reg.VecVirtual {
	y := k.fresh()
	VBROADCASTSD(x, y)
	return y
}

func (k *rowKernel) layerNorm() {
	p := k.pointers("dst", "src")
	dst, src := p[0], p[1]
	f := fixed("gain", "bias", "mean", "inv")
	gain, bias, mean, inv := f[0], f[1], f[2], f[3]
	one, share := oneAndShare()
	eps := XMM()
	VMOVSS(param("eps"), eps)
	VCVTSS2SD(eps, eps, eps)
	k.rows(func() {
		// Both sums in one pass, of differences from the row's first element: as that is one of the
		// row, the square of its distance from the mean is at most c variances, and little cancels.
		start, shift := k.broadcast(Mem{Base: src}), XMM()
		VCVTSS2SD(start.AsX(), start.AsX(), shift)
		every := k.everyDouble(shift)
		acc := [4]reg.VecVirtual{k.zero(), k.zero(), k.zero(), k.zero()}
		k.sweep("sums", func() {
			low, high := k.readDoubles(src, start)
			for i, x := range []reg.VecVirtual{low, high} {
				VSUBPD(every, x, x)
				VADDPD(x, acc[i], acc[i])
				VFMADD231PD(x, x, acc[2+i])
			}
		})
		m, v := k.total(acc[0], acc[1]), k.total(acc[2], acc[3])
		VMULSD(share, m, m)
		VMULSD(share, v, v)
		VFNMADD231SD(m, m, v)
		VADDSD(shift, m, m)
		VADDSD(eps, v, v)
		VSQRTSD(v, v, v)
		VDIVSD(v, one, v)
		centre, scale := k.single(m), k.single(v)
		VMOVSS(centre.AsX(), Mem{Base: mean})
		VMOVSS(scale.AsX(), Mem{Base: inv})
		ADDQ(U8(4), mean)
		ADDQ(U8(4), inv)
		k.sweep("norm", func() {
			x := k.mul(k.sub(k.read(src), centre), scale)
			k.write(k.fma(x, k.read(gain), k.read(bias)), dst)
		})
	})
}

// readDoubles reads a vector of a row as two of float64; behind the row's end it has other's lanes.
func (k *rowKernel) readDoubles(p reg.Register, other reg.VecVirtual) (low, high reg.VecVirtual) {
	if k.masks[0] != nil {
		return k.doubles(k.within(k.read(p), other))
	}
	low, high = k.fresh(), k.fresh()
	VCVTPS2PD(k.at(p), low)
	VCVTPS2PD(k.at(p).Offset(2*k.lanes), high)
	return low, high
}

// layerNormBack is the derivative of the rows; that of the gains runs along columns.
func (k *rowKernel) layerNormBack() {
	p := k.pointers("dX", "dY", "src")
	dX, dY, src := p[0], p[1], p[2]
	f := fixed("gain", "mean", "inv")
	gain, mean, inv := f[0], f[1], f[2]
	_, share := oneAndShare()
	k.rows(func() {
		centre, scale := k.broadcast(Mem{Base: mean}), k.broadcast(Mem{Base: inv})
		ADDQ(U8(4), mean)
		ADDQ(U8(4), inv)
		// Behind the row's end both are zero.
		row := func() (g, x reg.VecVirtual) {
			return k.mul(k.read(dY), k.read(gain)), k.mul(k.sub(k.within(k.read(src), centre), centre), scale)
		}
		var acc [4]reg.VecVirtual
		for i := range acc {
			acc[i] = k.zero()
		}
		k.sweep("sums", func() {
			g, x := row()
			gLow, gHigh := k.doubles(g)
			xLow, xHigh := k.doubles(x)
			VADDPD(gLow, acc[0], acc[0])
			VADDPD(gHigh, acc[1], acc[1])
			VFMADD231PD(xLow, gLow, acc[2])
			VFMADD231PD(xHigh, gHigh, acc[3])
		})
		sum, along := k.total(acc[0], acc[1]), k.total(acc[2], acc[3])
		VMULSD(share, sum, sum)
		VMULSD(share, along, along)
		a, b := k.single(sum), k.single(along)
		k.sweep("add", func() {
			g, x := row()
			k.write(k.fma(k.fnma(x, b, k.sub(g, a)), scale, k.read(dX)), dX)
		})
	})
}

// layerNormGain writes the sums of dY (src - mean) inv along columns, as colSum's.
func (of set) layerNormGain() {
	s := of.newStream("layerNormGain", "func(dGain, dY, src, mean, inv []float32)")
	dGain, dY := base("dGain"), base("dY")
	panel, most := 0, 4
	if !s.wide {
		most = 2 // there are 16 registers
	}
	s.loop("dGain", most, func(vectors int) {
		panel++
		s.gainSum(fmt.Sprintf("panel%d", panel), dGain, dY, vectors)
	})
	s.ret()
}

func (s *stream) gainSum(name string, dGain, dY reg.Register, vectors int) {
	sums := s.newColumns(vectors)
	src, mean, inv := base("src"), base("mean"), base("inv")
	row, all, rows, stride := GP64(), GP64(), GP64(), GP64()
	MOVQ(dY, row)
	Load(Param("mean").Len(), all)
	Load(Param("dGain").Len(), stride)
	SHLQ(U8(2), stride)
	Label(name + "rows")
	TESTQ(all, all)
	JLE(LabelRef(name + "out"))
	sums.clear()
	MOVQ(U32(rowsInFloat32), rows)
	Label(name + "row")
	centre, scale := s.fresh(), s.fresh()
	VBROADCASTSS(Mem{Base: mean}, centre)
	VBROADCASTSS(Mem{Base: inv}, scale)
	for v, sum := range sums.single {
		x := s.read(src, v)
		VSUBPS(centre, x, x)
		VMULPS(scale, x, x)
		VFMADD231PS(s.read(row, v), x, sum)
	}
	ADDQ(stride, row)
	ADDQ(stride, src)
	ADDQ(U8(4), mean)
	ADDQ(U8(4), inv)
	DECQ(all)
	JZ(LabelRef(name + "double"))
	DECQ(rows)
	JNZ(LabelRef(name + "row"))
	Label(name + "double")
	sums.carry()
	JMP(LabelRef(name + "rows"))
	Label(name + "out")
	sums.addTo(dGain)
}
