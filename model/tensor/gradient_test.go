package tensor_test

import (
	"math/rand/v2"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

type (
	tape = tensor.Tape[float64]
	vr   = tensor.Var[float64]
)

// TestGradients holds every operation against central differences.
func TestGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(shape ...int) *vr { return gradcheck.Random(rng, shape...) }
	sparse := &tensor.CSR[float64]{
		Rows: 3, Cols: 4,
		RowPtr: []int32{0, 2, 2, 5}, Col: []int32{1, 3, 0, 1, 2}, Val: []float64{0.5, -2, 1, 3, 0.25},
	}
	target := []float64{0.3, -0.2, 1.5, 0, 7, -1, 0.1, 0.2}
	weight := []float64{1, 0, 2, 1, 1, 0.5, 0, 1}
	levels := []float64{0.1, 0.5, 0.9}

	tests := []struct {
		name   string
		inputs []*vr
		f      func(tp *tape, in []*vr) *vr
	}{
		{"MatMul", []*vr{random(2, 3, 4), random(4, 5)}, func(tp *tape, in []*vr) *vr { return tp.MatMul(in[0], in[1]) }},
		{"MatMulT", []*vr{random(3, 4), random(5, 4)}, func(tp *tape, in []*vr) *vr { return tp.MatMulT(in[0], in[1]) }},
		{"TMatMul", []*vr{random(4, 3), random(4, 5)}, func(tp *tape, in []*vr) *vr { return tp.TMatMul(in[0], in[1]) }},
		{"Reshape", []*vr{random(2, 6), random(4, 2)}, func(tp *tape, in []*vr) *vr { return tp.MatMul(tp.Reshape(in[0], 3, 4), in[1]) }},
		{"Add", []*vr{random(2, 3), random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Add(in[0], in[1]) }},
		{"Add to itself", []*vr{random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Add(in[0], in[0]) }},
		{"Sub", []*vr{random(2, 3), random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Sub(in[0], in[1]) }},
		{"AddRow", []*vr{random(2, 2, 3), random(3)}, func(tp *tape, in []*vr) *vr { return tp.AddRow(in[0], in[1]) }},
		{"AddCol", []*vr{random(2, 2, 3), random(4, 1)}, func(tp *tape, in []*vr) *vr { return tp.AddCol(in[0], in[1]) }},
		{"MulCol", []*vr{random(2, 2, 3)}, func(tp *tape, in []*vr) *vr { return tp.MulCol(in[0], []float64{2, -1, 0, 0.5}) }},
		{"Mul", []*vr{random(2, 3), random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Mul(in[0], in[1]) }},
		{"Mul with itself", []*vr{random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Mul(in[0], in[0]) }},
		{"Scale", []*vr{random(2, 3)}, func(tp *tape, in []*vr) *vr { return tp.Scale(in[0], -1.5) }},
		{"ReLU", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.ReLU(in[0]) }},
		{"Sigmoid", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.Sigmoid(in[0]) }},
		{"Tanh", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.Tanh(in[0]) }},
		{"Softplus", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.Softplus(in[0]) }},
		{"Concat", []*vr{random(2, 3), random(2, 1), random(2, 4)}, func(tp *tape, in []*vr) *vr { return tp.Concat(in...) }},
		{"SliceCols", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.SliceCols(in[0], 1, 4) }},
		{"SliceRows", []*vr{random(4, 3)}, func(tp *tape, in []*vr) *vr { return tp.Tanh(tp.SliceRows(in[0], 1, 3)) }},
		{"Gather", []*vr{random(4, 3)}, func(tp *tape, in []*vr) *vr { return tp.Gather(in[0], []int32{2, -1, 0, 2, 3}) }},
		{"CumSum", []*vr{random(3, 4)}, func(tp *tape, in []*vr) *vr { return tp.CumSum(in[0]) }},
		{"Dropout", []*vr{random(5, 7)}, func(tp *tape, in []*vr) *vr {
			return tp.Dropout(in[0], 0.4, rand.New(rand.NewPCG(3, 4)))
		}},
		{"SpMM", []*vr{random(4, 3)}, func(tp *tape, in []*vr) *vr { return tp.SpMM(in[0], sparse) }},
		{"GRUGates", []*vr{random(2, 9), random(2, 9), random(2, 3)}, func(tp *tape, in []*vr) *vr {
			return tp.GRUGates(in[0], in[1], in[2])
		}},
		{"Quantiles", []*vr{random(3, 5)}, func(tp *tape, in []*vr) *vr { return tp.Quantiles(in[0], 2) }},
		{"Quantiles with the median first", []*vr{random(3, 3)}, func(tp *tape, in []*vr) *vr { return tp.Quantiles(in[0], 0) }},
		{"Sum", []*vr{random(3, 3)}, func(tp *tape, in []*vr) *vr { return tp.Sum(tp.Mul(in[0], in[0])) }},
		{"MSE", []*vr{random(2, 4)}, func(tp *tape, in []*vr) *vr { return tp.MSE(in[0], target, nil) }},
		{"MSE weighted", []*vr{random(2, 4)}, func(tp *tape, in []*vr) *vr { return tp.MSE(in[0], target, weight) }},
		{"Huber", []*vr{random(2, 4)}, func(tp *tape, in []*vr) *vr { return tp.Huber(in[0], target, weight, 0.8) }},
		{"Pinball", []*vr{random(8, 3)}, func(tp *tape, in []*vr) *vr { return tp.Pinball(in[0], target, weight, levels) }},
		{"Pinball unweighted", []*vr{random(8, 3)}, func(tp *tape, in []*vr) *vr { return tp.Pinball(in[0], target, nil, levels) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			gradcheck.Check(t, tt.inputs, func(tp *tape) *vr { return tt.f(tp, tt.inputs) })
		})
	}
}

// TestGradientsMeet checks that a value used twice collects both gradients.
func TestGradientsMeet(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a, w := gradcheck.Random(rng, 3, 4), gradcheck.Random(rng, 4, 4)
	gradcheck.Check(t, []*vr{a, w}, func(tp *tape) *vr {
		h := tp.Tanh(tp.MatMul(a, w))
		return tp.Mul(tp.Sigmoid(tp.MatMul(h, w)), tp.Add(h, a))
	})
}
