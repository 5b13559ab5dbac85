package tensor_test

import (
	"go.uber.org/goleak"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// step is one pass forward and back through every operation that is split over workers.
type step struct {
	x, w, b, wIn, wHidden, bIn, bHidden, v *tensor.Var[float32]
	graphs                                 []*tensor.CSR[float32]
	index                                  [][]int32
}

func newStep() *step {
	rng := rand.New(rand.NewPCG(4, 4))
	param := func(shape ...int) *tensor.Var[float32] {
		p := tensor.NewParam[float32](shape...)
		for i := range p.Data {
			p.Data[i] = float32(0.3 * rng.NormFloat64())
		}
		return p
	}
	const slices, services = 5, 301
	s := &step{x: param(slices*services, 11), w: param(11, 20), b: param(20), wIn: param(48, 20), wHidden: param(48, 16),
		bIn: param(48), bHidden: param(48), v: param(9, 16)}
	for range slices {
		g := &tensor.CSR[float32]{Rows: services, Cols: services, RowPtr: []int32{0}}
		for range services {
			for range rng.IntN(6) {
				g.Col, g.Val = append(g.Col, int32(rng.IntN(services))), append(g.Val, rng.Float32())
			}
			g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
		}
		s.graphs = append(s.graphs, g)
	}
	// Two windows of four slices that share three, some services missing.
	s.index = make([][]int32, 4)
	for k := range s.index {
		for window := range 2 {
			for i := range services {
				row := int32((k+window)*services + i)
				if rng.IntN(9) == 0 {
					row = -1
				}
				s.index[k] = append(s.index[k], row)
			}
		}
	}
	return s
}

func (s *step) params() []*tensor.Var[float32] {
	return []*tensor.Var[float32]{s.x, s.w, s.b, s.wIn, s.wHidden, s.bIn, s.bHidden, s.v}
}

func (s *step) run(t *tensor.Tape[float32]) float32 {
	t.Reset()
	h := t.Linear(t.SpMM(s.x, s.graphs...), s.w, s.b, true)
	state := t.GRU(h, s.index, tensor.GRUWeights[float32]{In: s.wIn, Hidden: s.wHidden, BiasIn: s.bIn, BiasHidden: s.bHidden})
	loss := t.Sum(t.Tanh(t.MatMulT(state, s.v)))
	t.Backward(loss)
	return loss.Data[0]
}

// TestWorkersChangeNothing: losses and gradients are the same bit for bit for any number of workers.
func TestWorkersChangeNothing(t *testing.T) {
	var want [][]float32
	var loss float32
	for workers := 1; workers <= 4; workers++ {
		p := pool.New(workers)
		s := newStep()
		got := s.run(tensor.NewTape[float32](p.Background()))
		p.Close()
		for i, v := range s.params() {
			if workers == 1 {
				want = append(want, slices.Clone(v.Grad))
				loss = got
				continue
			}
			if got != loss || !slices.Equal(v.Grad, want[i]) {
				t.Errorf("%d workers: gradient %d differs from one worker's", workers, i)
			}
		}
	}
}

// TestStepsAllocateNothing: after the first, on one thread and on two.
func TestStepsAllocateNothing(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		p := pool.New(workers)
		s, tape := newStep(), tensor.NewTape[float32](p.Background())
		s.run(tape)
		s.run(tape)
		bytes := tape.Bytes()
		if got := testing.AllocsPerRun(20, func() { s.run(tape) }); got != 0 {
			t.Errorf("%d workers: %v allocations a step", workers, got)
		}
		if tape.Bytes() != bytes {
			t.Errorf("%d workers: the tape grew from %d to %d bytes", workers, bytes, tape.Bytes())
		}
		p.Close()
	}
}

// TestConvolveIsTheProducts: both convolutions at a time give what they give one by one.
func TestConvolveIsTheProducts(t *testing.T) {
	s := newStep()
	rng := rand.New(rand.NewPCG(4, 5))
	v, w := normal(rng, 11, 24), normal(rng, 24, 17)
	tape := tensor.NewInference[float32](nil)
	apart := tape.Linear(tape.SpMM(tape.Linear(tape.SpMM(s.x, s.graphs...), v, nil, true), s.graphs...), w, nil, true)
	if !slices.Equal(tape.Convolve(s.x, v, w, s.graphs...).Data, apart.Data) {
		t.Error("two convolutions at a time differ from one by one")
	}
}

// TestSeveralGraphsAreOneDiagonal: each slice is mixed by its own graph.
func TestSeveralGraphsAreOneDiagonal(t *testing.T) {
	s := newStep()
	tape := tensor.NewInference[float32](nil)
	all := tape.SpMM(s.x, s.graphs...)
	for i, g := range s.graphs {
		alone := tape.SpMM(tape.SliceRows(s.x, i*g.Rows, (i+1)*g.Rows), g)
		if !slices.Equal(alone.Data, all.Data[i*g.Rows*11:(i+1)*g.Rows*11]) {
			t.Errorf("slice %d differs from its own product", i)
		}
	}
}

// TestGRUIsItsSteps holds the fused recurrence against the same equations one operation at a time.
func TestGRUIsItsSteps(t *testing.T) {
	s := newStep()
	h := tensor.NewInference[float32](nil)
	x := h.Linear(s.x, s.w, s.b, true)
	fused := h.GRU(x, s.index, tensor.GRUWeights[float32]{In: s.wIn, Hidden: s.wHidden, BiasIn: s.bIn, BiasHidden: s.bHidden})
	state := tensor.NewConst(make([]float32, len(s.index[0])*16), len(s.index[0]), 16)
	for _, rows := range s.index {
		in := h.AddRow(h.MatMulT(h.Gather(x, rows), s.wIn), s.bIn)
		state = h.GRUGates(in, h.AddRow(h.MatMulT(state, s.wHidden), s.bHidden), state)
	}
	for i, v := range state.Data {
		if d := v - fused.Data[i]; d > 1e-6 || d < -1e-6 {
			t.Fatalf("element %d is %v, step by step %v", i, fused.Data[i], v)
		}
	}
}
