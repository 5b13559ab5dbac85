package tensor_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

// normWeights are a batch norm's arrays with running statistics that differ from any batch's.
func normWeights(rng *rand.Rand, c int) tensor.BatchNormWeights[float64] {
	w := tensor.BatchNormWeights[float64]{Scale: gradcheck.Random(rng, c), Shift: gradcheck.Random(rng, c)}
	for range c {
		w.Mean, w.Var = append(w.Mean, rng.NormFloat64()), append(w.Var, 0.5+rng.Float64())
	}
	return w
}

func TestBatchNormGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	x, w := gradcheck.Random(rng, 2, 4, 3), normWeights(rng, 3)
	for _, training := range []bool{true, false} {
		gradcheck.Check(t, []*vr{x, w.Scale, w.Shift}, func(tp *tape) *vr {
			h := tp.Tanh(x)
			return tp.Mul(tp.BatchNorm(h, w, training), h)
		})
	}
}

// TestBatchNormStatistics over more rows than one part has, far from zero.
func TestBatchNormStatistics(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 2))
	const rows, c = 5000, 3
	x, w := gradcheck.Random(rng, rows, c), normWeights(rng, c)
	for i := range x.Data {
		x.Data[i] = 100 + float64(i%c)*x.Data[i]
	}
	before := tensor.BatchNormWeights[float64]{Mean: slices.Clone(w.Mean), Var: slices.Clone(w.Var)}
	tp := tensor.NewTape[float64](nil)
	y := tp.BatchNorm(x, w, true)
	for j := range c {
		mean, square := 0.0, 0.0
		for r := range rows {
			mean += x.Data[r*c+j] / rows
		}
		for r := range rows {
			square += (x.Data[r*c+j] - mean) * (x.Data[r*c+j] - mean)
		}
		near(t, []float64{w.Mean[j], w.Var[j]},
			[]float64{0.9*before.Mean[j] + 0.1*mean, 0.9*before.Var[j] + 0.1*square/(rows-1)}, 1e-10)
		want := w.Scale.Data[j]*(x.Data[j]-mean)/math.Sqrt(square/rows+1e-5) + w.Shift.Data[j]
		near(t, y.Data[j:j+1], []float64{want}, 1e-7)
	}
	still := slices.Clone(w.Mean)
	tp.BatchNorm(x, w, false)
	if !slices.Equal(still, w.Mean) {
		t.Error("running statistics moved outside of training")
	}
}
