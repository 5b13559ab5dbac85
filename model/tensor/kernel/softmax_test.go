package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// softmaxOf is a row's softmax in float64.
func softmaxOf(x []float64) []float64 {
	top, s := slices.Max(x), 0.0
	y := make([]float64, len(x))
	for j, v := range x {
		y[j] = math.Exp(v - top)
		s += y[j]
	}
	for j := range y {
		y[j] /= s
	}
	return y
}

// widened is a row in float64.
func widened(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

// widths are numbers of columns on either side of every vector's end, and a long one.
func widths() []int {
	var out []int
	for c := 1; c <= 70; c++ {
		out = append(out, c)
	}
	return append(out, 127, 128, 129, 1000)
}

func TestSoftmax(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 9))
			for _, cols := range widths() {
				for _, scale := range []float32{1, 30, -1000} {
					checkSoftmax(t, impl, rng, 1+rng.IntN(6), cols, scale)
				}
			}
		})
	}
}

// checkSoftmax gives the logits a large mean too, of either sign.
func checkSoftmax(t *testing.T, impl table, rng *rand.Rand, rows, cols int, scale float32) {
	src, dst := newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0)
	for i := range src.v {
		src.v[i] = scale * (src.v[i] + 3)
	}
	impl.softmax(dst.v, src.v, cols)
	for r := range rows {
		row := widened(src.v[r*cols : (r+1)*cols])
		top := slices.Max(row)
		for j, want := range softmaxOf(row) {
			bound := (float64(24+cols/8) + top - row[j]) * 0x1p-24
			if got := float64(dst.v[r*cols+j]); !(math.Abs(got-want) <= bound*want+1e-40) {
				t.Fatalf("[%d, %d] × %v: element [%d, %d] is %v, expected %v", rows, cols, scale, r, j, got, want)
			}
		}
	}
	if !src.intact() || !dst.intact() {
		t.Fatalf("[%d, %d]: wrote outside of its slices", rows, cols)
	}
	if impl.softmax(src.v, src.v, cols); !slices.Equal(src.v, dst.v) {
		t.Fatalf("[%d, %d] in place differs", rows, cols)
	}
}

// TestSoftmaxOfOddRows: what a row of -Inf or one with NaN or +Inf gives, and that its neighbours don't notice.
func TestSoftmaxOfOddRows(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	rng := rand.New(rand.NewPCG(2, 9))
	for _, impl := range tables() {
		for _, cols := range []int{1, 5, 8, 16, 17, 64, 67} {
			src, plain, dst := make([]float32, 3*cols), make([]float32, 3*cols), make([]float32, 3*cols)
			for i := range src {
				src[i] = float32(rng.NormFloat64())
			}
			impl.softmax(plain, src, cols)
			row := src[cols : 2*cols]
			expect := func(what string, fine bool) {
				impl.softmax(dst, src, cols)
				for i, v := range dst {
					switch {
					case i/cols != 1:
						if v != plain[i] {
							t.Fatalf("%s, %d columns, %s: changed another row", impl.name, cols, what)
						}
					case (v == v) != fine:
						t.Fatalf("%s, %d columns, %s: element %d is %v", impl.name, cols, what, i%cols, v)
					case fine && row[i%cols] == -inf && v != 0:
						t.Fatalf("%s, %d columns, %s: element %d of -Inf is %v", impl.name, cols, what, i%cols, v)
					}
				}
			}
			kept := slices.Clone(row)
			for j := range row {
				for _, v := range []float32{nan, inf, -inf} {
					copy(row, kept)
					row[j] = v
					expect(fmt.Sprintf("%v at %d", v, j), v == -inf && cols > 1)
				}
			}
			for j := range row {
				row[j] = -inf
			}
			expect("all -Inf", false)
			row[cols/2] = -5
			expect("all but one -Inf", true)
		}
	}
}

// TestSoftmaxBack holds the derivative against differences of softmaxOf.
func TestSoftmaxBack(t *testing.T) {
	const rows, h = 2, 1e-5
	for _, impl := range tables() {
		rng := rand.New(rand.NewPCG(3, 9))
		for _, cols := range widths()[:72] {
			x, y, g, dst := newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0), newMatrix(rng, 1, rows*cols, 0)
			impl.softmax(y.v, x.v, cols)
			before := slices.Clone(dst.v)
			impl.softmaxBack(dst.v, y.v, g.v, cols)
			for r := range rows {
				row := widened(x.v[r*cols : (r+1)*cols])
				loss := func() (s float64) {
					for j, v := range softmaxOf(row) {
						s += v * float64(g.v[r*cols+j])
					}
					return s
				}
				for j, at := range row {
					row[j] = at + h
					up := loss()
					row[j] = at - h
					want := float64(before[r*cols+j]) + (up-loss())/(2*h)
					row[j] = at
					if got := float64(dst.v[r*cols+j]); !(math.Abs(got-want) <= 2e-6) {
						t.Fatalf("%s, %d columns: derivative [%d, %d] is %v, expected %v", impl.name, cols, r, j, got, want)
					}
				}
			}
			if !dst.intact() || !y.intact() || !g.intact() {
				t.Fatalf("%s, %d columns: wrote outside of its slices", impl.name, cols)
			}
		}
	}
}

func BenchmarkSoftmax(b *testing.B) {
	const rows, cols = 1000, 64
	rng := rand.New(rand.NewPCG(4, 9))
	src, dst, g := aligned(rng, rows*cols), aligned(rng, rows*cols), aligned(rng, rows*cols)
	b.Run("rows=1000/cols=64", func(b *testing.B) {
		perElement(b, rows*cols, func() { best.softmax(dst, src, cols) })
	})
	b.Run("back", func(b *testing.B) {
		perElement(b, rows*cols, func() { best.softmaxBack(dst, src, g, cols) })
	})
}
