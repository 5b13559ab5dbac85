//go:build amd64 && !noasm

package kernel

func gemmAVX2(c, a, b, bias []float32, p Product) {
	f := gemmRowsAVX2
	if p.TransA {
		f = gemmColsAVX2
	}
	if p.blocked(c, a, b, bias, 6, f, after(p.After, sigmoidAVX2, tanhAVX2)) {
		fence()
	}
}

func gemmAVX512(c, a, b, bias []float32, p Product) {
	f := gemmRowsAVX512
	if p.TransA {
		f = gemmColsAVX512
	}
	if p.blocked(c, a, b, bias, 14, f, after(p.After, sigmoidAVX512, tanhAVX512)) {
		fence()
	}
}
