package tensor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
	"presage/model/tensor/pool"
)

// randomGraph has about the given share of all edges.
func randomGraph[T tensor.Float](rng *rand.Rand, n int, density float64) *tensor.CSR[T] {
	g := &tensor.CSR[T]{Rows: n, Cols: n, RowPtr: []int32{0}}
	for range n {
		for j := range n {
			if rng.Float64() < density {
				g.Col, g.Val = append(g.Col, int32(j)), append(g.Val, T(0.3*rng.NormFloat64()))
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g
}

// graphCell is a recurrence with its inputs.
type graphCell[T tensor.Float] struct {
	x      *tensor.Var[T]
	mix    *tensor.CSR[T]
	steps  int
	w      tensor.GraphGRUWeights[T]
	across bool
}

func newGraphCell[T tensor.Float](windows, steps, services, channels, hidden int, density float64, across bool) graphCell[T] {
	rng := rand.New(rand.NewPCG(8, 8))
	random := func(shape ...int) *tensor.Var[T] {
		v := tensor.NewParam[T](shape...)
		for i := range v.Data {
			v.Data[i] = T(0.5 * rng.NormFloat64())
		}
		return v
	}
	return graphCell[T]{
		x: random(windows*steps*services, channels), mix: randomGraph[T](rng, services, density), steps: steps, across: across,
		w: tensor.GraphGRUWeights[T]{
			Gates: random(channels+hidden, 2*hidden), GatesBias: random(2 * hidden),
			Candidate: random(channels+hidden, hidden), CandidateBias: random(hidden),
		},
	}
}

func (c graphCell[T]) vars() []*tensor.Var[T] {
	return []*tensor.Var[T]{c.x, c.w.Gates, c.w.GatesBias, c.w.Candidate, c.w.CandidateBias}
}

func (c graphCell[T]) run(t *tensor.Tape[T]) *tensor.Var[T] {
	return t.GraphGRU(c.x, c.mix, c.steps, c.w, c.across)
}

// TestGraphGRUGradients holds the recurrence against central differences, with sparse and dense graphs.
func TestGraphGRUGradients(t *testing.T) {
	for _, across := range []bool{false, true} {
		for _, density := range []float64{0.15, 0.9} {
			t.Run(fmt.Sprintf("across=%v/density=%v", across, density), func(t *testing.T) {
				c := newGraphCell[float64](3, 3, 5, 2, 3, density, across)
				gradcheck.Check(t, c.vars(), c.run)
			})
		}
	}
}

// TestGraphGRUGradientOfSharedInput: the input's gradient is added to what another operation gave it.
func TestGraphGRUGradientOfSharedInput(t *testing.T) {
	c := newGraphCell[float64](2, 2, 4, 3, 3, 0.3, false)
	gradcheck.Check(t, c.vars(), func(tp *tape) *vr {
		x := tp.Tanh(c.x)
		return tp.Add(tp.Sum(tp.Mul(x, x)), tp.Sum(tp.GraphGRU(x, c.mix, c.steps, c.w, false)))
	})
}

// TestGraphGRUWorkersChangeNothing: values and gradients are the same bit for bit, without allocation after the first step.
func TestGraphGRUWorkersChangeNothing(t *testing.T) {
	var want [][]float32
	for workers := 1; workers <= 3; workers++ {
		p := pool.New(workers)
		c, tp := newGraphCell[float32](11, 4, 37, 3, 16, 0.1, false), tensor.NewTape[float32](p.Background())
		step := func() *tensor.Var[float32] {
			tp.Reset()
			y := c.run(tp)
			tp.Backward(tp.Sum(tp.Mul(y, y)))
			return y
		}
		got := [][]float32{slices.Clone(step().Data)}
		for _, v := range c.vars() {
			got = append(got, slices.Clone(v.Grad))
		}
		if n := testing.AllocsPerRun(5, func() { step() }); n != 0 {
			t.Errorf("%d workers: %v allocations a step", workers, n)
		}
		p.Close()
		plain := tensor.NewInference[float32](nil)
		if !slices.Equal(c.run(plain).Data, got[0]) {
			t.Errorf("%d workers: a tape that records gives other values than one that doesn't", workers)
		}
		if workers == 1 {
			want = got
			continue
		}
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%d workers: array %d differs from one worker's", workers, i)
			}
		}
	}
}

// TestGraphGRUIsItsSteps holds the recurrence against the same equations one operation at a time.
func TestGraphGRUIsItsSteps(t *testing.T) {
	const windows, services, channels, hidden = 2, 6, 2, 4
	c := newGraphCell[float64](windows, 3, services, channels, hidden, 0.4, false)
	tp := tensor.NewInference[float64](nil)
	got := c.run(tp)
	for window := range windows {
		h := tensor.NewConst(make([]float64, services*hidden), services, hidden)
		for k := range c.steps {
			from := (window*c.steps + k) * services
			x := tp.SliceRows(c.x, from, from+services)
			gates := tp.Sigmoid(tp.Linear(tp.SpMM(tp.Concat(x, h), c.mix), c.w.Gates, c.w.GatesBias, false))
			r, u := tp.SliceCols(gates, 0, hidden), tp.SliceCols(gates, hidden, 2*hidden)
			candidate := tp.Tanh(tp.Linear(tp.SpMM(tp.Concat(x, tp.Mul(r, h)), c.mix), c.w.Candidate, c.w.CandidateBias, false))
			h = tp.Add(candidate, tp.Mul(u, tp.Sub(h, candidate)))
		}
		for i, v := range h.Data {
			if d := v - got.Data[window*services*hidden+i]; d > 1e-14 || d < -1e-14 {
				t.Fatalf("window %d, element %d: %v, step by step %v", window, i, got.Data[window*services*hidden+i], v)
			}
		}
	}
}

// BenchmarkGraphGRU is a step of AST-GCN's sizes, forward and back.
func BenchmarkGraphGRU(b *testing.B) {
	for _, density := range []float64{0.07, 0.29, 0.31} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("density=%v/threads=%d", density, threads), func(b *testing.B) {
				workers := pool.New(threads)
				defer workers.Close()
				c := newGraphCell[float32](64, 10, 207, 1, 128, density, false)
				c.x.Grad = nil
				for i := range c.mix.Val {
					c.mix.Val[i] *= 0.1
				}
				tp := tensor.NewTape[float32](workers.Background())
				step := func() {
					tp.Reset()
					tp.Backward(tp.Sum(c.run(tp)))
				}
				step()
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
			})
		}
	}
}

// TestGraphGRUInFloat32 holds the kernels' sums against the portable ones in float64, at sizes that fill whole registers.
func TestGraphGRUInFloat32(t *testing.T) {
	for _, density := range []float64{0.1, 0.5} {
		exact, c := newGraphCell[float64](3, 4, 37, 3, 48, density, false), newGraphCell[float32](3, 4, 37, 3, 48, density, false)
		for i, v := range c.vars() {
			wide := make([]float64, len(v.Data))
			for j := range v.Data {
				v.Data[j] *= 0.2
				wide[j] = float64(v.Data[j])
			}
			copy(exact.vars()[i].Data, wide)
		}
		for i, v := range c.mix.Val {
			exact.mix.Val[i] = float64(v)
		}
		tp, wide := tensor.NewTape[float32](nil), tensor.NewTape[float64](nil)
		y, want := c.run(tp), exact.run(wide)
		roundedAlike(t, "value", y.Data, want.Data)
		tp.Backward(tp.Sum(tp.Mul(y, y)))
		wide.Backward(wide.Sum(wide.Mul(want, want)))
		for i, v := range c.vars() {
			roundedAlike(t, fmt.Sprintf("gradient %d", i), v.Grad, exact.vars()[i].Grad)
		}
	}
}

// roundedAlike allows for rounding in float32.
func roundedAlike(t *testing.T, name string, got []float32, want []float64) {
	t.Helper()
	largest := 1.0
	for _, w := range want {
		largest = max(largest, w, -w)
	}
	for i, w := range want {
		if d := float64(got[i]) - w; d > 3e-6*largest || d < -3e-6*largest {
			t.Fatalf("%s, element %d: %v, in float64 %v", name, i, got[i], w)
		}
	}
}
