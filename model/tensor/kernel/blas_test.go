package kernel

import (
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/testblas"
)

// doubled is Dgemm by Sgemm; gonum's cases are whole numbers and halves, which float32 holds exactly.
type doubled struct{ BLAS }

func (x doubled) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	out := single(c)
	x.Sgemm(tA, tB, m, n, k, float32(alpha), single(a), lda, single(b), ldb, float32(beta), out, ldc)
	for i, v := range out {
		c[i] = float64(v)
	}
}

func single(v []float64) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(x)
	}
	return out
}

// eachBest runs a test with every implementation in the place of the best one.
func eachBest(t *testing.T, f func(t *testing.T)) {
	defer func(before table) { best = before }(best)
	for _, best = range tables() {
		t.Run(best.name, f)
	}
}

// TestBLAS is gonum's own suite.
func TestBLAS(t *testing.T) {
	eachBest(t, func(t *testing.T) { testblas.TestDgemm(t, doubled{}) })
}
