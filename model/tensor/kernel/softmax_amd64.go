//go:build amd64 && !noasm

package kernel

func softmaxBy(f func(dst, src *float32, rows, c int)) func(dst, src []float32, cols int) {
	return func(dst, src []float32, cols int) { f(&dst[0], &src[0], len(dst)/cols, cols) }
}

func softmaxBackBy(f func(dst, y, dY *float32, rows, c int)) func(dst, y, g []float32, cols int) {
	return func(dst, y, g []float32, cols int) { f(&dst[0], &y[0], &g[0], len(dst)/cols, cols) }
}
