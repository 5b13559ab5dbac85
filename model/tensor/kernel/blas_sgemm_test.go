package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// TestSgemm holds Sgemm against gonum's, for sizes and strides of every kind, and for what isn't finite.
func TestSgemm(t *testing.T) {
	eachBest(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 8))
		for range 3000 {
			checkSgemm(t, rng)
		}
	})
}

func checkSgemm(t *testing.T, rng *rand.Rand) {
	factors := []float32{0, 1, -1.5}
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0}
	turns := []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans}
	m, n, k := rng.IntN(20), rng.IntN(40), rng.IntN(30)
	tA, tB := turns[rng.IntN(3)], turns[rng.IntN(3)]
	alpha, beta := factors[rng.IntN(3)], factors[rng.IntN(3)]
	stored := func(rows, cols int, t blas.Transpose) matrix {
		if t != blas.NoTrans {
			rows, cols = cols, rows
		}
		return newMatrix(rng, rows, cols, max(0, rng.IntN(4)-1)+1-min(1, cols)) // a stride is at least 1
	}
	a, b, c := stored(m, k, tA), stored(k, n, tB), stored(m, n, blas.NoTrans)
	for _, x := range []matrix{a, b, c} {
		if x.rows*x.cols > 0 && rng.IntN(4) == 0 {
			x.v[rng.IntN(x.rows)*x.stride+rng.IntN(x.cols)] = odd[rng.IntN(len(odd))]
		}
	}
	if k == 0 { // gonum wants room for the strides even so
		a.v, b.v = make([]float32, 20*a.stride), make([]float32, 40*b.stride)
	}
	want := slices.Clone(c.v)
	gonum.Implementation{}.Sgemm(tA, tB, m, n, k, alpha, a.v, a.stride, b.v, b.stride, beta, want, c.stride)
	BLAS{}.Sgemm(tA, tB, m, n, k, alpha, a.v, a.stride, b.v, b.stride, beta, c.v, c.stride)
	name := fmt.Sprintf("%c%c m=%d n=%d k=%d alpha=%v beta=%v", tA, tB, m, n, k, alpha, beta)
	for i, w := range want {
		g := c.v[i]
		if i%c.stride < n && g != w && (g == g || w == w) && !(math.Abs(float64(g-w)) <= 1e-4) {
			t.Fatalf("%s: element [%d, %d] is %v, gonum's %v", name, i/c.stride, i%c.stride, g, w)
		}
	}
	if !a.intact() || !b.intact() || !c.intact() {
		t.Fatalf("%s: wrote outside of its matrices", name)
	}
}

// TestSgemmPanics: bad arguments meet gonum's panics.
func TestSgemmPanics(t *testing.T) {
	v := make([]float32, 12)
	no, yes := blas.NoTrans, blas.Trans
	for i, x := range []struct {
		tA, tB                 blas.Transpose
		m, n, k, lda, ldb, ldc int
		a, b, c                []float32
	}{
		{'x', no, 3, 4, 3, 3, 4, 4, v, v, v}, {no, 'x', 3, 4, 3, 3, 4, 4, v, v, v},
		{no, no, -1, 4, 3, 3, 4, 4, v, v, v}, {no, no, 3, -1, 3, 3, 4, 4, v, v, v}, {no, no, 3, 4, -1, 3, 4, 4, v, v, v},
		{no, no, 3, 4, 3, 2, 4, 4, v, v, v}, {no, no, 3, 4, 3, 3, 3, 4, v, v, v}, {no, no, 3, 4, 3, 3, 4, 3, v, v, v},
		{no, no, 3, 4, 3, 3, 4, 4, v[:8], v, v}, {no, no, 3, 4, 3, 3, 4, 4, v, v[:11], v}, {no, no, 3, 4, 3, 3, 4, 4, v, v, v[:11]},
		{yes, no, 3, 4, 3, 3, 4, 4, v[:8], v, v}, {no, yes, 3, 4, 3, 3, 3, 4, v, v[:11], v},
	} {
		said := func(sgemm func(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int)) (text any) {
			defer func() { text = recover() }()
			sgemm(x.tA, x.tB, x.m, x.n, x.k, 1, x.a, x.lda, x.b, x.ldb, 1, x.c, x.ldc)
			return nil
		}
		got, want := said(BLAS{}.Sgemm), said(gonum.Implementation{}.Sgemm)
		if want == nil || got != want {
			t.Errorf("call %d: panic %v, gonum's %v", i, got, want)
		}
	}
}
