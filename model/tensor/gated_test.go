package tensor_test

import (
	"math/rand/v2"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

// TestGatedConvolveGradient for kernels of one to three taps, with rows that no, some and all taps read.
func TestGatedConvolveGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	for _, c := range []struct{ taps, shift, rows int }{{1, 0, 4}, {2, 2, 7}, {2, 5, 6}, {3, 2, 9}} {
		in := []*vr{
			gradcheck.Random(rng, c.rows, 3), gradcheck.Random(rng, c.taps*3, 2), gradcheck.Random(rng, 2),
			gradcheck.Random(rng, c.taps*3, 2), gradcheck.Random(rng, 2),
		}
		gradcheck.Check(t, in, func(tp *tape) *vr {
			w := tensor.GatedWeights[float64]{Filter: in[1], FilterBias: in[2], Gate: in[3], GateBias: in[4]}
			return tp.GatedConvolve(tp.Tanh(in[0]), w, c.shift)
		})
	}
}

// TestGatedConvolveIsItsParts holds the operation against the same equation one operation at a time.
func TestGatedConvolveIsItsParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 2))
	const rows, shift, in, out = 700, 150, 5, 6
	x := gradcheck.Random(rng, rows, in)
	w := tensor.GatedWeights[float64]{Filter: gradcheck.Random(rng, 2*in, out), FilterBias: gradcheck.Random(rng, out),
		Gate: gradcheck.Random(rng, 2*in, out), GateBias: gradcheck.Random(rng, out)}
	for _, tp := range []*tape{tensor.NewInference[float64](nil), tensor.NewTape[float64](nil)} {
		both := tp.Concat(tp.SliceRows(x, 0, rows-shift), tp.SliceRows(x, shift, rows))
		want := tp.Mul(tp.Tanh(tp.Linear(both, w.Filter, w.FilterBias, false)), tp.Sigmoid(tp.Linear(both, w.Gate, w.GateBias, false)))
		near(t, tp.GatedConvolve(x, w, shift).Data, want.Data, 1e-13)
	}
}

// TestJoinTailsGradient also where the parts are read elsewhere.
func TestJoinTailsGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 3))
	in := []*vr{gradcheck.Random(rng, 5, 2), gradcheck.Random(rng, 3, 4), gradcheck.Random(rng, 4, 1)}
	gradcheck.Check(t, in, func(tp *tape) *vr {
		a, b := tp.Tanh(in[0]), tp.Tanh(in[1])
		y := tp.JoinTails(3, a, b, in[2])
		return tp.Mul(y, tp.JoinTails(3, b, tp.Concat(in[2], tp.SliceRows(a, 0, 4))))
	})
}

func near(t *testing.T, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d elements, expected %d", len(got), len(want))
	}
	for i, w := range want {
		if d := got[i] - w; !(d <= tolerance && d >= -tolerance) {
			t.Fatalf("element %d is %v, expected %v", i, got[i], w)
		}
	}
}
