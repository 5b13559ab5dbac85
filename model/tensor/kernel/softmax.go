package kernel

// Softmax is dst[r,j] = exp(src[r,j] - m) / Σ exp(src[r,·] - m) with m the row's maximum, for rows of cols
// elements. A row with NaN or +Inf, or of -Inf alone, gives NaN. dst may be src.
// The relative error is 1e-6 and grows with m - src, whose rounding it contains.
func Softmax(dst, src []float32, cols int) {
	rowsOf("softmax", cols, dst, src)
	for at := 0; at < len(src); at += cols {
		row, out := src[at:at+cols], dst[at:at+cols]
		best.rowExp(out, row, best.largest(row))
		Scale(out, out, float32(1/Sum(out)))
	}
}

// SoftmaxBack adds the derivative, given y, the softmax, and g, that of the result:
//
//	dst[r,j] += y[r,j] (g[r,j] - Σ y[r,·] g[r,·])
func SoftmaxBack(dst, y, g []float32, cols int) {
	rowsOf("derivative of softmax", cols, dst, y, g)
	for at := 0; at < len(y); at += cols {
		row, out := y[at:at+cols], dst[at:at+cols]
		MulAdd(out, row, g[at:at+cols])
		Axpy(out, row, -float32(Dot(row, g[at:at+cols])))
	}
}

// rowsOf checks that slices are as long as one another and made of whole rows.
func rowsOf(name string, cols int, first []float32, others ...[]float32) {
	ok := cols > 0 && len(first)%cols == 0
	for _, v := range others {
		ok = ok && len(v) == len(first)
	}
	if !ok {
		bug("%s of %d elements in rows of %d", name, len(first), cols)
	}
}
