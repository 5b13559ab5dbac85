//go:build amd64 && !noasm

package kernel

// vector makes an elementwise function out of its assembly.
func vector(f func(dst, src *float32, n int)) func(dst, src []float32) {
	return func(dst, src []float32) { f(&dst[0], &src[0], len(dst)) }
}
