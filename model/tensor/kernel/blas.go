package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BLAS is gonum's implementation with its single-precision matrix product replaced by Gemm, for code
// that speaks BLAS. Nothing registers it: blas32.Use(kernel.BLAS{}) does. Unlike the rest of
// this package it allocates.
type BLAS struct{ gonum.Implementation }

// Sgemm is C = alpha op(A) op(B) + beta C, as gonum has it, with its panics: beta 0 overwrites
// whatever C held. Where A or alpha B holds what isn't finite, gonum's own code computes, since
// it skips zeros of A that Gemm would multiply.
func (x BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	x.Implementation.Sgemm(tA, tB, m, n, k, 0, a, lda, b, ldb, 1, c, ldc) // checks and does nothing else
	if m == 0 || n == 0 || (alpha == 0 || k == 0) && beta == 1 {
		return
	}
	p := Product{M: m, N: n, K: k, LDA: lda, LDB: ldb, LDC: ldc, TransA: tA != blas.NoTrans, Add: beta != 0}
	if k == 0 {
		x.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	rows, cols := k, n // of B as it is stored
	if tB != blas.NoTrans {
		rows, cols = n, k
	}
	right := b
	if alpha != 1 || tB != blas.NoTrans && ldb != cols {
		right, p.LDB = make([]float32, rows*cols), cols
		scaleRows(right, cols, b, ldb, rows, cols, alpha)
	}
	high, wide := m, k // of A as it is stored
	if p.TransA {
		high, wide = k, m
	}
	if !finite(a, lda, high, wide) || !finite(right, p.LDB, rows, cols) {
		x.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	if tB != blas.NoTrans {
		turned := make([]float32, k*n)
		Transpose(turned, right, n, k)
		right, p.LDB = turned, n
	}
	if p.Add && beta != 1 {
		scaleRows(c, ldc, c, ldc, m, n, beta)
	}
	Gemm(c, a, right, nil, p)
}

// scaleRows is dst = s src for rows that lie strides apart.
func scaleRows(dst []float32, to int, src []float32, from, rows, cols int, s float32) {
	for i := range rows {
		Scale(dst[i*to:i*to+cols], src[i*from:i*from+cols], s)
	}
}

// finite says whether a matrix holds neither infinity nor NaN: its sum in float64 tells, since that
// can't overflow.
func finite(v []float32, stride, rows, cols int) bool {
	for i := range rows {
		if s := Sum(v[i*stride : i*stride+cols]); s-s != 0 {
			return false
		}
	}
	return true
}
