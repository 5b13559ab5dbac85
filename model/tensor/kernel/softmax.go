package kernel

import "math"

// Softmax turns each row of cols elements into positive numbers whose sum is 1:
//
//	for each row: top = max(src), s = Σ exp(src[j] - top)
//	              dst[j] = exp(src[j] - top) / s
//
// An element of -Inf gives 0. A row of nothing but -Inf, or with NaN or +Inf in it, becomes NaN all over and
// leaves the other rows alone. dst may be src itself. In the assembly all is float32: the relative error is
// at most (24 + cols/8 + top - src[j])·2⁻²⁴.
func Softmax(dst, src []float32, cols int) {
	same("softmax", dst, src)
	if rowsOf("softmax", dst, cols) > 0 {
		best.softmax(dst, src, cols)
	}
}

// SoftmaxBack adds the derivative through Softmax, whose output is y, given that of its output:
//
//	for each row: s = Σ y[j] g[j]
//	              dst[j] += y[j] (g[j] - s)
//
// s is in float64. dst overlaps neither y nor g.
func SoftmaxBack(dst, y, g []float32, cols int) {
	same("softmax's derivative", dst, y)
	same("softmax's derivative", dst, g)
	if rowsOf("softmax's derivative", dst, cols) > 0 {
		best.softmaxBack(dst, y, g, cols)
	}
}

func softmaxGo(dst, src []float32, cols int) {
	for at := 0; at < len(dst); at += cols {
		x, y := src[at:at+cols], dst[at:at+cols]
		top := x[0]
		for _, v := range x {
			top = max(top, v)
		}
		s := 0.0
		for j, v := range x {
			e := math.Exp(float64(v) - float64(top))
			s += e
			y[j] = float32(e)
		}
		for j, v := range y {
			y[j] = float32(float64(v) / s)
		}
	}
}

func softmaxBackGo(dst, y, g []float32, cols int) {
	for at := 0; at < len(dst); at += cols {
		a, b, out := y[at:at+cols], g[at:at+cols], dst[at:at+cols]
		s := float32(dotGo(a, b))
		for j, v := range a {
			out[j] += v * (b[j] - s)
		}
	}
}
