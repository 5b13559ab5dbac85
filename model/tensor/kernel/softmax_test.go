package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestSoftmax holds both directions against float64.
func TestSoftmax(t *testing.T) { everyTable(t, testSoftmax) }

// everyTable runs a test of what goes through best on each implementation.
func everyTable(t *testing.T, f func(*testing.T)) {
	defer func(b table) { best = b }(best)
	for _, best = range tables() {
		t.Run(best.name, f)
	}
}

func testSoftmax(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, size := range [][2]int{{1, 1}, {3, 5}, {7, 64}, {2, 101}} {
		rows, cols := size[0], size[1]
		src, dst := newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0)
		for i := range src.v {
			src.v[i] *= 20
		}
		g, d := newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0)
		before := append([]float32(nil), d.v...)
		Softmax(dst.v, src.v, cols)
		SoftmaxBack(d.v, dst.v, g.v, cols)
		for r := range rows {
			most, sum, mixed := math.Inf(-1), 0.0, 0.0
			for j := range cols {
				most = max(most, float64(src.v[r*cols+j]))
			}
			for j := range cols {
				sum += math.Exp(float64(src.v[r*cols+j]) - most)
			}
			y := func(j int) float64 { return math.Exp(float64(src.v[r*cols+j])-most) / sum }
			for j := range cols {
				mixed += y(j) * float64(g.v[r*cols+j])
			}
			for j := range cols {
				at := r*cols + j
				if e := math.Abs(float64(dst.v[at]) - y(j)); !(e <= 1e-6*y(j)*max(1, most-float64(src.v[at]))+1e-40) {
					t.Fatalf("%v: softmax [%d, %d] is %v, expected %v", size, r, j, dst.v[at], y(j))
				}
				want := float64(before[at]) + y(j)*(float64(g.v[at])-mixed)
				if !(math.Abs(float64(d.v[at])-want) <= 2e-6*max(1, math.Abs(want))) {
					t.Fatalf("%v: derivative [%d, %d] is %v, expected %v", size, r, j, d.v[at], want)
				}
			}
		}
		if !src.intact() || !dst.intact() || !g.intact() || !d.intact() {
			t.Fatalf("%v: wrote outside", size)
		}
	}
	odd := []float32{0, float32(math.NaN()), 1, float32(math.Inf(-1)), 0, float32(math.Inf(-1))}
	Softmax(odd, odd, 3)
	if odd[0] == odd[0] || odd[3] != 0 || odd[4] != 1 {
		t.Errorf("rows with what is no number: %v", odd)
	}
}

// TestLayerNorm holds the values against float64 and the derivatives against central differences.
func TestLayerNorm(t *testing.T) { everyTable(t, testLayerNorm) }

func testLayerNorm(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	const rows, cols, eps = 3, 37, 1e-5
	m := func(n int) matrix { return newMatrix(rng, 1, n, 0) }
	src, dst, gain, bias, mean, inv, dY := m(rows*cols), m(rows*cols), m(cols), m(cols), m(rows), m(rows), m(rows*cols)
	LayerNorm(dst.v, src.v, gain.v, bias.v, mean.v, inv.v, eps, cols)
	oracle := func(src, gain, bias []float64) (out []float64, projected float64) {
		for r := range rows {
			var mean, variance float64
			for _, v := range src[r*cols : (r+1)*cols] {
				mean += v / cols
			}
			for _, v := range src[r*cols : (r+1)*cols] {
				variance += (v - mean) * (v - mean) / cols
			}
			for j, v := range src[r*cols : (r+1)*cols] {
				y := (v-mean)/math.Sqrt(variance+eps)*gain[j] + bias[j]
				out = append(out, y)
				projected += y * float64(dY.v[r*cols+j])
			}
		}
		return out, projected
	}
	double := func(v []float32) (out []float64) {
		for _, x := range v {
			out = append(out, float64(x))
		}
		return out
	}
	s, ga, bi := double(src.v), double(gain.v), double(bias.v)
	want, _ := oracle(s, ga, bi)
	for i, w := range want {
		if math.Abs(float64(dst.v[i])-w) > 1e-5 {
			t.Fatalf("element %d is %v, expected %v", i, dst.v[i], w)
		}
	}
	dX, dGain, dBias := make([]float32, rows*cols), make([]float32, cols), make([]float32, cols)
	LayerNormBack(dX, dGain, dBias, dY.v, src.v, gain.v, mean.v, inv.v, cols)
	differ := func(name string, in []float64, got []float32) {
		for i, x := range in {
			in[i] = x + 1e-4
			_, high := oracle(s, ga, bi)
			in[i] = x - 1e-4
			_, low := oracle(s, ga, bi)
			in[i] = x
			if w := (high - low) / 2e-4; math.Abs(float64(got[i])-w) > 1e-4*max(1, math.Abs(w)) {
				t.Fatalf("derivative of %s, element %d: %v, central difference %v", name, i, got[i], w)
			}
		}
	}
	differ("the input", s, dX)
	differ("the gain", ga, dGain)
	differ("the bias", bi, dBias)
	for _, v := range []matrix{src, dst, gain, bias, mean, inv, dY} {
		if !v.intact() {
			t.Fatal("wrote outside")
		}
	}
}

func BenchmarkSoftmax(b *testing.B) {
	b.Run("rows=1000/cols=64", func(b *testing.B) {
		x := newMatrix(rand.New(rand.NewPCG(1, 1)), 1, 64000, 0)
		y := make([]float32, 64000)
		for b.Loop() {
			Softmax(y, x.v, 64)
		}
	})
}

func BenchmarkLayerNorm(b *testing.B) {
	b.Run("rows=1000/cols=64", func(b *testing.B) {
		rng := rand.New(rand.NewPCG(1, 1))
		x, gain, bias := newMatrix(rng, 1, 64000, 0), newMatrix(rng, 1, 64, 0), newMatrix(rng, 1, 64, 0)
		y, mean, inv := make([]float32, 64000), make([]float32, 1000), make([]float32, 1000)
		for b.Loop() {
			LayerNorm(y, x.v, gain.v, bias.v, mean, inv, 1e-5, 64)
		}
	})
}
