package tensor_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
	"presage/model/tensor/pool"
)

// randomTransition is a matrix over n nodes with about a third of its entries.
func randomTransition[T tensor.Float](rng *rand.Rand, n int) *tensor.CSR[T] {
	g := &tensor.CSR[T]{Rows: n, Cols: n, RowPtr: []int32{0}}
	for range n {
		for j := range n {
			if rng.IntN(3) == 0 {
				g.Col, g.Val = append(g.Col, int32(j)), append(g.Val, T(rng.NormFloat64()))
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g
}

func TestTransitionPowersGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	for order := 1; order <= 3; order++ {
		scores := gradcheck.Random(rng, 4, 4)
		gradcheck.Check(t, []*vr{scores}, func(tp *tape) *vr { return tp.TransitionPowers(tp.Scale(scores, 2), order) })
	}
}

// TestDiffuseGradient with sparse, constant and learned transitions, a residual that is longer than the result, and dropout.
func TestDiffuseGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 2))
	const n, in, out = 3, 2, 4
	sparse := randomTransition[float64](rng, n)
	for order := 1; order <= 3; order++ {
		constant := tensor.NewConst(gradcheck.Random(rng, order*n, n).Data, order*n, n)
		v := []*vr{gradcheck.Random(rng, 2*n, in), gradcheck.Random(rng, (1+3*order)*in, out), gradcheck.Random(rng, out),
			gradcheck.Random(rng, order*n, n), gradcheck.Random(rng, 3*n, out)}
		for _, dropout := range []float64{0, 0.4} {
			gradcheck.Check(t, v, func(tp *tape) *vr {
				residual, x := tp.Tanh(v[4]), tp.Tanh(v[0])
				y := tp.Diffuse(x, v[1], v[2], tensor.Diffusion[float64]{
					Nodes: n, Residual: residual, Dropout: dropout, Rng: rand.New(rand.NewPCG(1, 1)),
				}, tensor.Transition[float64]{Sparse: sparse}, tensor.Transition[float64]{Dense: constant}, tensor.Transition[float64]{Dense: v[3]})
				return tp.Mul(y, tp.SliceRows(tp.Sigmoid(v[4]), 0, 2*n))
			})
		}
	}
}

// TestDiffuseIsItsParts holds the operation against the concatenation of mixed signals times all weights.
func TestDiffuseIsItsParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 3))
	const n, in, out, moments = 5, 3, 4, 100
	g := randomTransition[float64](rng, n)
	x, w, b := gradcheck.Random(rng, moments*n, in), gradcheck.Random(rng, 3*in, out), gradcheck.Random(rng, out)
	tp := tensor.NewInference[float64](nil)
	graphs := make([]*tensor.CSR[float64], moments)
	for i := range graphs {
		graphs[i] = g.Transposed()
	}
	one := tp.SpMM(x, graphs...)
	want := tp.Linear(tp.Concat(x, one, tp.SpMM(one, graphs...)), w, b, false)
	got := tp.Diffuse(x, w, b, tensor.Diffusion[float64]{Nodes: n}, tensor.Transition[float64]{Sparse: g})
	near(t, got.Data, want.Data, 1e-11)

	dense := make([]float64, 2*n*n)
	for i := range n {
		for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
			dense[i*n+int(g.Col[e])] = g.Val[e]
		}
	}
	copy(dense[n*n:], tp.MatMul(tp.Const(dense[:n*n], n, n), tp.Const(dense[:n*n], n, n)).Data)
	got = tp.Diffuse(x, w, b, tensor.Diffusion[float64]{Nodes: n}, tensor.Transition[float64]{Dense: tp.Const(dense, 2*n, n)})
	near(t, got.Data, want.Data, 1e-11)
}

// TestDiffuseDrops the share it is asked for, and keeps the expectation.
func TestDiffuseDrops(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 4))
	const n, out, moments = 7, 3, 5000
	x, w, b := gradcheck.Random(rng, moments*n, 1), tensor.NewParam[float64](1, out), tensor.NewParam[float64](out)
	for j := range b.Data {
		b.Data[j] = 1
	}
	y := tensor.NewInference[float64](nil).Diffuse(x, w, b, tensor.Diffusion[float64]{Nodes: n, Dropout: 0.3, Rng: rng})
	zero, sum := 0.0, 0.0
	for _, v := range y.Data {
		if v == 0 {
			zero++
		}
		sum += v
	}
	total := float64(len(y.Data))
	near(t, []float64{zero / total, sum / total}, []float64{0.3, 1}, 0.01)
}

// waveStep is one pass forward and back through the operations of this file, the gated convolution and the batch norm.
type waveStep struct {
	params []*tensor.Var[float32]
	graph  *tensor.CSR[float32]
	norm   tensor.BatchNormWeights[float32]
	rng    *rand.Rand
}

func newWaveStep() *waveStep {
	rng := rand.New(rand.NewPCG(24, 1))
	s := &waveStep{graph: randomTransition[float32](rng, waveNodes), rng: rand.New(rand.NewPCG(24, 2))}
	for _, shape := range [][]int{{waveRows, 8}, {16, 8}, {8}, {16, 8}, {8}, {waveNodes, waveNodes}, {40, 8}, {8}, {8}, {8}} {
		p := normal(rng, shape...)
		p.Grad = make([]float32, len(p.Data))
		s.params = append(s.params, p)
	}
	s.norm = tensor.BatchNormWeights[float32]{Scale: s.params[8], Shift: s.params[9], Mean: make([]float32, 8), Var: make([]float32, 8)}
	return s
}

const waveNodes, waveRows = 23, 23 * 240

func (s *waveStep) run(t *tensor.Tape[float32]) float32 {
	t.Reset()
	p := s.params
	g := t.GatedConvolve(p[0], tensor.GatedWeights[float32]{Filter: p[1], FilterBias: p[2], Gate: p[3], GateBias: p[4]}, 40*waveNodes)
	h := t.BatchNorm(t.Diffuse(g, p[6], p[7], tensor.Diffusion[float32]{
		Nodes: waveNodes, Residual: p[0], Dropout: 0.3, Rng: s.rng,
	}, tensor.Transition[float32]{Sparse: s.graph}, tensor.Transition[float32]{Dense: t.TransitionPowers(p[5], 2)}), s.norm, true)
	loss := t.Sum(t.Tanh(t.JoinTails(40*waveNodes, g, h)))
	t.Backward(loss)
	return loss.Data[0]
}

// TestWaveWorkersChangeNothing: losses, gradients and running statistics are the same bit for bit.
func TestWaveWorkersChangeNothing(t *testing.T) {
	var want *waveStep
	var loss float32
	for workers := 1; workers <= 4; workers++ {
		p := pool.New(workers)
		s := newWaveStep()
		got := s.run(tensor.NewTape[float32](p.Background()))
		p.Close()
		if want == nil {
			want, loss = s, got
			continue
		}
		for i, v := range s.params {
			if got != loss || !slices.Equal(v.Grad, want.params[i].Grad) {
				t.Errorf("%d workers: gradient %d differs from one worker's", workers, i)
			}
		}
		if !slices.Equal(s.norm.Var, want.norm.Var) {
			t.Errorf("%d workers: running statistics differ from one worker's", workers)
		}
	}
}

// TestWaveStepsAllocateNothing after the first.
func TestWaveStepsAllocateNothing(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		p := pool.New(workers)
		s, tape := newWaveStep(), tensor.NewTape[float32](p.Background())
		s.run(tape)
		s.run(tape)
		if got := testing.AllocsPerRun(10, func() { s.run(tape) }); got != 0 {
			t.Errorf("%d workers: %v allocations a step", workers, got)
		}
		p.Close()
	}
}
