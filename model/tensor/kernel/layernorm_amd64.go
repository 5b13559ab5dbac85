//go:build amd64 && !noasm

package kernel

type (
	layerNormFunc     func(dst, src, gain, bias, mean, inv *float32, eps float32, rows, c int)
	layerNormBackFunc func(dX, dY, src, gain, mean, inv *float32, rows, c int)
)

func layerNormBy(f layerNormFunc) func(dst, src, gain, bias, mean, inv []float32, eps float32, cols int) {
	return func(dst, src, gain, bias, mean, inv []float32, eps float32, cols int) {
		f(&dst[0], &src[0], &gain[0], &bias[0], &mean[0], &inv[0], eps, len(dst)/cols, cols)
	}
}

// layerNormBackBy takes the assembly of the rows and that of the sums along columns.
func layerNormBackBy(f layerNormBackFunc, colSum func(dst, src []float32), gainSum func(dGain, dY, src, mean, inv []float32)) func(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int) {
	return func(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int) {
		rows := len(dX) / cols
		f(&dX[0], &dY[0], &src[0], &gain[0], &mean[0], &inv[0], rows, cols)
		colSum(dBias[:cols], dY)
		gainSum(dGain[:cols], dY, src, mean[:rows], inv[:rows])
	}
}
