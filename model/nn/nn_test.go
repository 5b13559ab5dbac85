package nn_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

type vr = tensor.Var[float64]

// TestLayerGradients checks inputs and all parameters of every layer.
func TestLayerGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	sparse := &tensor.CSR[float64]{Rows: 3, Cols: 3, RowPtr: []int32{0, 2, 3, 5}, Col: []int32{0, 1, 1, 0, 2}, Val: []float64{0.5, 0.5, 1, 0.3, 0.7}}
	linear := nn.NewLinear[float64](4, 5, rng)
	embedding := nn.NewEmbedding[float64](4, 3, 1, 1, rng)
	residual := nn.NewResidual[float64](4, 0.3, rng)
	mlp := nn.NewMLP[float64](4, 6, 2, rng)
	gcn := nn.NewGCN[float64](4, 5, rng)
	gru := nn.NewGRU[float64](4, 3, rng)
	x := gradcheck.Random(rng, 3, 4)
	rows := gradcheck.Random(rng, 5, 4)
	index := [][]int32{{0, -1, 2}, {1, 0, 3}, {4, 1, 2}} // shared between sequences, and one that begins late

	tests := []struct {
		name   string
		params []nn.Param[float64]
		inputs []*vr
		f      func(tp *tensor.Tape[float64]) *vr
	}{
		{"Linear", linear.Params("l"), []*vr{x}, func(tp *tensor.Tape[float64]) *vr { return linear.Forward(tp, x) }},
		{"Embedding", embedding.Params("e"), nil, func(tp *tensor.Tape[float64]) *vr { return embedding.Forward(tp, []int32{3, -1, 3, 0}) }},
		{"Residual", residual.Params("r"), []*vr{x}, func(tp *tensor.Tape[float64]) *vr {
			return residual.Forward(tp, x, rand.New(rand.NewPCG(1, 1)))
		}},
		{"MLP", mlp.Params(""), []*vr{x}, func(tp *tensor.Tape[float64]) *vr { return mlp.Forward(tp, x) }},
		{"GCN", gcn.Params("w"), []*vr{x}, func(tp *tensor.Tape[float64]) *vr { return gcn.Forward(tp, x, sparse) }},
		{"GRU", gru.Params("gru"), []*vr{rows}, func(tp *tensor.Tape[float64]) *vr { return gru.Forward(tp, rows, index) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inputs := slices.Clone(tt.inputs)
			for _, p := range tt.params {
				inputs = append(inputs, p.Var)
			}
			gradcheck.Check(t, inputs, tt.f)
		})
	}
}

// line is the problem of finding w in y = w x from noisy points.
type line struct {
	w        *tensor.Var[float32]
	x, y     []float32
	poison   int // Loss is NaN from this call on; 0 means never
	calls    int
	validate func() float64
}

func newLine() *line {
	rng := rand.New(rand.NewPCG(9, 9))
	l := &line{w: tensor.NewParam[float32](1, 1)}
	for range 200 {
		x := float32(rng.NormFloat64())
		l.x = append(l.x, x)
		l.y = append(l.y, 3*x+0.01*float32(rng.NormFloat64()))
	}
	return l
}

func (l *line) params() []nn.Param[float32] {
	return []nn.Param[float32]{{Name: "w", Var: l.w, Decay: 1}}
}
func (l *line) Samples() int { return len(l.x) }

func (l *line) Loss(tp *tensor.Tape[float32], batch []int, _ *rand.Rand) *tensor.Var[float32] {
	l.calls++
	x, y := make([]float32, len(batch)), make([]float32, len(batch))
	for i, b := range batch {
		x[i], y[i] = l.x[b], l.y[b]
		if l.poison > 0 && l.calls >= l.poison {
			y[i] = float32(math.NaN())
		}
	}
	return tp.MSE(tp.MatMul(tensor.NewConst(x, len(batch), 1), l.w), y, nil)
}

func (l *line) Validate() float64 {
	if l.validate != nil {
		return l.validate()
	}
	return math.Abs(float64(l.w.Data[0]) - 3)
}

func options() nn.Options {
	return nn.Options{Seed: 1, Epochs: 40, Batch: 20, Rate: 0.1, Clip: 5}
}

func TestTrainFindsTheLine(t *testing.T) {
	for _, average := range []float64{0, 0.9} {
		l := newLine()
		o := options()
		o.Average = average
		epochs := 0
		o.Progress = func(int, float64, float64) { epochs++ }
		r, err := nn.Train(context.Background(), l, l.params(), o)
		if err != nil || math.Abs(float64(l.w.Data[0])-3) > 0.01 {
			t.Errorf("average %v: w = %v, report %+v, error %v", average, l.w.Data[0], r, err)
		}
		if epochs != r.Epochs {
			t.Errorf("progress told of %d epochs, report of %d", epochs, r.Epochs)
		}
	}
}

func TestTrainIsDeterministic(t *testing.T) {
	a, b, c := newLine(), newLine(), newLine()
	o := options()
	o.Epochs = 3
	for _, l := range []*line{a, b} {
		if _, err := nn.Train(context.Background(), l, l.params(), o); err != nil {
			t.Fatal(err)
		}
	}
	o.Seed = 2
	if _, err := nn.Train(context.Background(), c, c.params(), o); err != nil {
		t.Fatal(err)
	}
	if a.w.Data[0] != b.w.Data[0] || a.w.Data[0] == c.w.Data[0] {
		t.Errorf("weights %v and %v from seed 1, %v from seed 2", a.w.Data[0], b.w.Data[0], c.w.Data[0])
	}
}

func TestTrainKeepsTheBestWeights(t *testing.T) {
	l := newLine()
	errs := []float64{5, 4, 2, 3, 3, 3, 3}
	var seen []float32
	l.validate = func() float64 {
		seen = append(seen, l.w.Data[0])
		return errs[len(seen)-1]
	}
	o := options()
	o.Patience = 2
	r, err := nn.Train(context.Background(), l, l.params(), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.BestEpoch != 2 || r.Epochs != 4 || r.Valid != 2 || l.w.Data[0] != seen[2] {
		t.Errorf("report %+v, weight %v of %v", r, l.w.Data[0], seen)
	}
}

func TestTrainWithoutValidation(t *testing.T) {
	l := newLine()
	l.validate = math.NaN
	o := options()
	o.Patience = 2
	r, err := nn.Train(context.Background(), l, l.params(), o)
	if err != nil || r.Epochs != o.Epochs || r.BestEpoch != o.Epochs || math.Abs(float64(l.w.Data[0])-3) > 0.01 {
		t.Errorf("report %+v, weight %v, error %v", r, l.w.Data[0], err)
	}
}

func TestTrainSurvivesDivergence(t *testing.T) {
	l := newLine()
	l.poison = 25
	r, err := nn.Train(context.Background(), l, l.params(), options())
	if err != nil {
		t.Fatal(err)
	}
	if !r.Diverged || !strings.Contains(r.Stopped, "diverged") || r.BestEpoch != 2 || math.IsNaN(float64(l.w.Data[0])) {
		t.Errorf("report %+v, weight %v", r, l.w.Data[0])
	}
}

func TestTrainStopsWhenTold(t *testing.T) {
	l := newLine()
	ctx, cancel := context.WithCancel(context.Background())
	o := options()
	o.Progress = func(epoch int, _, _ float64) {
		if epoch == 2 {
			cancel()
		}
	}
	r, err := nn.Train(ctx, l, l.params(), o)
	if !errors.Is(err, context.Canceled) || r.Epochs != 2 || l.w.Data[0] == 0 {
		t.Errorf("error %v after %d epochs, weight %v", err, r.Epochs, l.w.Data[0])
	}
}

func TestAdamClips(t *testing.T) {
	l := newLine()
	l.w.Grad[0] = 1e6
	a := nn.NewAdam(l.params())
	a.Clip, a.Beta1, a.Beta2 = 1, 0, 0
	a.Epsilon = 1 // makes the step depend on the gradient's size: 1/(1+1)
	a.Step(1)
	if got := float64(l.w.Data[0]); math.Abs(got+0.5) > 1e-6 {
		t.Errorf("weight moved to %v, expected -0.5", got)
	}
}

func TestAdamDecays(t *testing.T) {
	for _, decoupled := range []bool{false, true} {
		l := newLine()
		l.w.Data[0] = 2
		a := nn.NewAdam(l.params())
		a.Decay, a.Decoupled = 0.25, decoupled
		a.Step(0.1)     // the gradient is zero: only decay moves the weight
		want := 2 - 0.1 // the gradient's size doesn't matter to Adam
		if decoupled {
			want = 2 - 0.1*0.25*2
		}
		if got := float64(l.w.Data[0]); math.Abs(got-want) > 1e-6 {
			t.Errorf("decoupled %v: weight %v, expected %v", decoupled, got, want)
		}
	}
}
