package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const normEps = 1e-5

// layerNormOf is a row's norm in float64, with its mean and the inverse of its deviation.
func layerNormOf(x, gain, bias []float64) (y []float64, mean, inv float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	variance := 0.0
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	inv = 1 / math.Sqrt(variance+normEps)
	y = make([]float64, len(x))
	for j, v := range x {
		y[j] = (v-mean)*inv*gain[j] + bias[j]
	}
	return y, mean, inv
}

func TestLayerNorm(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 10))
			for _, cols := range widths() {
				for _, shift := range []float32{0, 3, -4000} {
					checkLayerNorm(t, impl, rng, 1+rng.IntN(6), cols, shift)
				}
			}
		})
	}
}

func checkLayerNorm(t *testing.T, impl table, rng *rand.Rand, rows, cols int, shift float32) {
	of := func(n int) matrix { return newMatrix(rng, 1, n, 0) }
	src, dst, gain, bias, mean, inv := of(rows*cols), of(rows*cols), of(cols), of(cols), of(rows), of(rows)
	for i := range src.v {
		src.v[i] += shift
	}
	impl.layerNorm(dst.v, src.v, gain.v, bias.v, mean.v, inv.v, normEps, cols)
	for r := range rows {
		want, m, s := layerNormOf(widened(src.v[r*cols:(r+1)*cols]), widened(gain.v), widened(bias.v))
		near := func(what string, j int, got float32, want, size float64) {
			if !(math.Abs(float64(got)-want) <= 1e-6*size) {
				t.Fatalf("[%d, %d] + %v: %s of [%d, %d] is %v, expected %v", rows, cols, shift, what, r, j, got, want)
			}
		}
		near("mean", 0, mean.v[r], m, math.Abs(m))
		near("scale", 0, inv.v[r], s, s)
		for j, w := range want {
			g := math.Abs(gain.at(0, j))
			near("norm", j, dst.v[r*cols+j], w, math.Abs(w)+math.Abs(bias.at(0, j))+g*s*math.Abs(m)+1e-3)
		}
	}
	for _, x := range []matrix{src, dst, gain, bias, mean, inv} {
		if !x.intact() {
			t.Fatalf("[%d, %d]: wrote outside of its slices", rows, cols)
		}
	}
	if impl.layerNorm(src.v, src.v, gain.v, bias.v, mean.v, inv.v, normEps, cols); !slices.Equal(src.v, dst.v) {
		t.Fatalf("[%d, %d] in place differs", rows, cols)
	}
}

// TestLayerNormOfOutlier: one element far from all others, at every place, and rows of one value.
func TestLayerNormOfOutlier(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 10))
	for _, impl := range tables() {
		for _, cols := range []int{2, 5, 8, 9, 16, 31, 64, 1000} {
			gain, bias := make([]float32, cols), make([]float32, cols)
			for j := range gain {
				gain[j] = 1
			}
			src, dst, mean, inv := make([]float32, cols), make([]float32, cols), make([]float32, 1), make([]float32, 1)
			for at := range min(cols, 70) {
				for _, far := range []float32{1e4, -1e8, 1e15} {
					for j := range src {
						src[j] = float32(rng.NormFloat64())
					}
					src[at] = far
					impl.layerNorm(dst, src, gain, bias, mean, inv, normEps, cols)
					_, m, s := layerNormOf(widened(src), widened(gain), widened(bias))
					if !(math.Abs(float64(mean[0])-m) <= 1e-6*math.Abs(m)) || !(math.Abs(float64(inv[0])-s) <= 1e-6*s) {
						t.Fatalf("%s, %d columns, %v at %d: mean %v, scale %v; expected %v, %v", impl.name, cols, far, at, mean[0], inv[0], m, s)
					}
				}
			}
			for j := range src {
				src[j] = 0.1
			}
			impl.layerNorm(dst, src, gain, bias, mean, inv, normEps, cols)
			if want := 1 / math.Sqrt(normEps); mean[0] != 0.1 || !(math.Abs(float64(inv[0])-want) <= 1e-6*want) || slices.Max(dst) != 0 || slices.Min(dst) != 0 {
				t.Fatalf("%s, %d columns of 0.1: mean %v, scale %v, %v", impl.name, cols, mean[0], inv[0], dst)
			}
		}
	}
}

// TestRowsStandAlone: a row's norm, softmax and their derivatives are the same bits alone and among others.
func TestRowsStandAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 10))
	const rows = 5
	for _, impl := range tables() {
		for _, cols := range widths() {
			of := func(n int) []float32 { return newMatrix(rng, 1, n, 0).v }
			x, g, begun, gain, bias := of(rows*cols), of(rows*cols), of(rows*cols), of(cols), of(cols)
			all := func(from, to int) (out [4][]float32) {
				x, g := x[from*cols:to*cols], g[from*cols:to*cols]
				for i := range out {
					out[i] = slices.Clone(begun[from*cols : to*cols])
				}
				mean, inv := make([]float32, to-from), make([]float32, to-from)
				impl.softmax(out[0], x, cols)
				impl.softmaxBack(out[1], out[0], g, cols)
				impl.layerNorm(out[2], x, gain, bias, mean, inv, normEps, cols)
				impl.layerNormBack(out[3], make([]float32, cols), make([]float32, cols), g, x, gain, mean, inv, cols)
				return out
			}
			whole := all(0, rows)
			for r := range rows {
				for i, v := range all(r, r+1) {
					if !sameBits(v, whole[i][r*cols:(r+1)*cols]) {
						t.Fatalf("%s, %d columns: result %d of row %d differs alone", impl.name, cols, i, r)
					}
				}
			}
		}
	}
}

// TestLayerNormOfOddRows: NaN and infinity fill their row, and no other.
func TestLayerNormOfOddRows(t *testing.T) {
	for _, impl := range tables() {
		for _, cols := range []int{1, 7, 8, 16, 17, 64, 67} {
			gain, mean, inv := make([]float32, cols), make([]float32, 3), make([]float32, 3)
			for j := range gain {
				gain[j] = 1
			}
			for j := range cols {
				for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					src, dst := make([]float32, 3*cols), make([]float32, 3*cols)
					src[cols+j] = float32(odd)
					impl.layerNorm(dst, src, gain, gain, mean, inv, normEps, cols)
					for i, v := range dst {
						if (v != v) != (i/cols == 1) {
							t.Fatalf("%s, %d columns, %v at %d: element %d is %v", impl.name, cols, odd, j, i, v)
						}
					}
				}
			}
		}
	}
}

// TestLayerNormBack holds the derivatives against differences of layerNormOf.
func TestLayerNormBack(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 10))
			for cols := 2; cols <= 70; cols++ {
				checkLayerNormBack(t, impl, rng, 1+rng.IntN(3), cols)
			}
			for _, rows := range []int{63, 64, 65, 200} {
				checkLayerNormBack(t, impl, rng, rows, 5)
			}
		})
	}
}

func checkLayerNormBack(t *testing.T, impl table, rng *rand.Rand, rows, cols int) {
	of := func(n int) matrix { return newMatrix(rng, 1, n, 0) }
	src, dY, gain, bias, mean, inv := of(rows*cols), of(rows*cols), of(cols), of(cols), of(rows), of(rows)
	dX, dGain, dBias := of(rows*cols), of(cols), of(cols)
	if cols == 2 { // a pair may be as good as equal: then differences tell nothing
		for r := range rows {
			src.v[2*r+1] = src.v[2*r] + 1
		}
	}
	impl.layerNorm(make([]float32, rows*cols), src.v, gain.v, bias.v, mean.v, inv.v, normEps, cols)
	begun := [][]float64{widened(dX.v), widened(dGain.v), widened(dBias.v)}
	impl.layerNormBack(dX.v, dGain.v, dBias.v, dY.v, src.v, gain.v, mean.v, inv.v, cols)

	x, g, b := widened(src.v), widened(gain.v), widened(bias.v)
	loss := func(from, to int) (s float64) {
		for r := from; r < to; r++ {
			y, _, _ := layerNormOf(x[r*cols:(r+1)*cols], g, b)
			for j, v := range y {
				s += v * dY.at(0, r*cols+j)
			}
		}
		return s
	}
	near := func(what string, i int, got matrix, begun, at *float64, from, to int) {
		const h = 1e-5
		here := *at
		*at = here + h
		up := loss(from, to)
		*at = here - h
		want := *begun + (up-loss(from, to))/(2*h)
		*at = here
		if !(math.Abs(got.at(0, i)-want) <= 2e-5*float64(1+cols/16+rows/16)+1e-5*math.Abs(want)) {
			t.Fatalf("[%d, %d]: %s of %d is %v, expected %v", rows, cols, what, i, got.at(0, i), want)
		}
	}
	for i := range x {
		near("dX", i, dX, &begun[0][i], &x[i], i/cols, i/cols+1)
	}
	for j := range cols {
		near("dGain", j, dGain, &begun[1][j], &g[j], 0, rows)
		near("dBias", j, dBias, &begun[2][j], &b[j], 0, rows)
	}
	for _, m := range []matrix{src, dY, gain, mean, inv, dX, dGain, dBias} {
		if !m.intact() {
			t.Fatalf("[%d, %d]: wrote outside of its slices", rows, cols)
		}
	}
}

func BenchmarkLayerNorm(b *testing.B) {
	const rows, cols = 1000, 64
	rng := rand.New(rand.NewPCG(3, 10))
	src, dst, dX := aligned(rng, rows*cols), aligned(rng, rows*cols), make([]float32, rows*cols)
	gain, bias, mean, inv := aligned(rng, cols), aligned(rng, cols), aligned(rng, rows), aligned(rng, rows)
	dGain, dBias := make([]float32, cols), make([]float32, cols)
	b.Run("rows=1000/cols=64", func(b *testing.B) {
		perElement(b, rows*cols, func() { best.layerNorm(dst, src, gain, bias, mean, inv, normEps, cols) })
	})
	b.Run("back", func(b *testing.B) {
		perElement(b, rows*cols, func() {
			clear(dGain) // or it grows without end
			best.layerNormBack(dX, dGain, dBias, dst, src, gain, mean, inv, cols)
		})
	})
}
