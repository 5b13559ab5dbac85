package kernel

// Sum is the sum of a slice, in float64:
//
//	for i: s += float64(src[i])
//
// The reductions add in an order that depends on the length alone, so that a result repeats
// bit for bit; another implementation may have another order.
func Sum(src []float32) float64 { return best.sum(src) }

// SumSquares is the sum of squares of a slice, in float64:
//
//	for i: s += float64(src[i]) * float64(src[i])
//
// The squares are exact.
func SumSquares[T Float](src []T) float64 {
	if s, ok := narrow(src); ok {
		return best.sumSquares(s)
	}
	return sumSquaresGo(src)
}

// Dot is the inner product of two slices of one length, in float64:
//
//	for i: s += float64(a[i]) * float64(b[i])
//
// The products are exact.
func Dot(a, b []float32) float64 {
	same("dot", a, b)
	return best.dot(a, b)
}

// ColSum adds the rows of src, [rows, len(dst)] and dense, to dst:
//
//	for c: s = 0
//	       for r: s += src[r, c]
//	       dst[c] += s
//
// s is in float64; the assembly adds up to 64 rows at a time in float32, in order, and those sums in
// float64. Its relative error is therefore at most 63·2⁻²⁴ (3.8e-6) of the sum of the column's
// absolute values, however many rows there are, before dst is rounded. dst and src don't overlap.
func ColSum[T Float](dst, src []T) {
	if rowsOf("column sums", src, len(dst)) == 0 {
		return
	}
	if d, ok := narrow(dst); ok {
		best.colSum(d, alike(src))
		return
	}
	colSumGo(dst, src)
}

func sumGo(src []float32) float64 {
	s := 0.0
	for _, v := range src {
		s += float64(v)
	}
	return s
}

func sumSquaresGo[T Float](src []T) float64 {
	s := 0.0
	for _, v := range src {
		s += float64(v) * float64(v)
	}
	return s
}

func dotGo(a, b []float32) float64 {
	s := 0.0
	b = b[:len(a)]
	for i, v := range a {
		s += float64(v) * float64(b[i])
	}
	return s
}

// colSumGo is ColSum in Go, a few columns at a time: their sums stay on the stack.
func colSumGo[T Float](dst, src []T) {
	const width = 32
	for at := 0; at < len(dst); at += width {
		var sums [width]float64
		n := min(width, len(dst)-at)
		for row := at; row < len(src); row += len(dst) {
			for c, v := range src[row : row+n] {
				sums[c] += float64(v)
			}
		}
		for c := range n {
			dst[at+c] = T(float64(dst[at+c]) + sums[c])
		}
	}
}
