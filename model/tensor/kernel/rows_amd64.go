//go:build amd64 && !noasm

package kernel

func rowLargest2(src []float32) float32 {
	var lanes [8]float32
	rowLargestAVX2(&lanes[0], &src[0], len(src))
	return rowLargestGo(lanes[:])
}

func rowLargest512(src []float32) float32 {
	var lanes [16]float32
	rowLargestAVX512(&lanes[0], &src[0], len(src))
	return rowLargestGo(lanes[:])
}

func rowExp2(dst, src []float32, by float32)   { rowExpAVX2(&dst[0], &src[0], by, len(src)) }
func rowExp512(dst, src []float32, by float32) { rowExpAVX512(&dst[0], &src[0], by, len(src)) }

func rowAffine2(dst, src, gain, bias []float32, mean, inv float32) {
	rowAffineAVX2(&dst[0], &src[0], &gain[0], &bias[0], mean, inv, len(src))
}

func rowAffine512(dst, src, gain, bias []float32, mean, inv float32) {
	rowAffineAVX512(&dst[0], &src[0], &gain[0], &bias[0], mean, inv, len(src))
}
