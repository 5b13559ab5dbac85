package tensor_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
	"presage/model/tensor/pool"
)

// dynamicStep is a step of a recurrent unit over a graph that is made from the state.
type dynamicStep[T tensor.Float] struct {
	batch, n, h, x, depth int
	state, in, emb        *tensor.Var[T]
	wHop, bHop            *tensor.Var[T]
	w                     tensor.DynamicGRUWeights[T]
	hops                  *tensor.Hops[T]
	graph                 *tensor.DynamicGraph[T]
}

func newDynamicStep[T tensor.Float](batch, n, h, x, depth int, density float64) *dynamicStep[T] {
	rng := rand.New(rand.NewPCG(31, uint64(depth)))
	random := func(shape ...int) *tensor.Var[T] {
		v := tensor.NewParam[T](shape...)
		for i := range v.Data {
			v.Data[i] = T(0.5 * rng.NormFloat64())
		}
		return v
	}
	s := &dynamicStep[T]{batch: batch, n: n, h: h, x: x, depth: depth, state: random(batch*n, h), in: random(batch*n, x), emb: random(n, 6)}
	s.wHop, s.bHop = random(2*(depth+1)*(h+x), 3), random(6)
	m := 2*depth + 1
	s.w = tensor.DynamicGRUWeights[T]{Gates: random(m*(h+x), 2*h), GatesBias: random(2 * h), Candidate: random(m*(h+x), h), CandidateBias: random(h)}
	static := make([]T, 2*n*n)
	for i := range static {
		static[i] = T(rng.Float64() / float64(n))
	}
	s.graph = &tensor.DynamicGraph[T]{Nodes: n, Alpha: 1.5, Beta: 0.7, Static: static}
	var sparse [2]*tensor.CSR[T]
	for g := range sparse {
		a := &tensor.CSR[T]{Rows: n, Cols: n, RowPtr: []int32{0}}
		for range n {
			for j := range n {
				if rng.Float64() < density {
					a.Col, a.Val = append(a.Col, int32(j)), append(a.Val, T(rng.NormFloat64()))
				}
			}
			a.RowPtr = append(a.RowPtr, int32(len(a.Col)))
		}
		sparse[g] = a
	}
	s.hops = tensor.NewHops(depth, sparse[0], sparse[1])
	return s
}

func (s *dynamicStep[T]) vars() []*tensor.Var[T] {
	return []*tensor.Var[T]{s.state, s.in, s.emb, s.wHop, s.bHop, s.w.Gates, s.w.GatesBias, s.w.Candidate, s.w.CandidateBias}
}

func (s *dynamicStep[T]) run(t *tensor.Tape[T]) *tensor.Var[T] {
	filter := t.HopSigmoid(s.hops, s.state, s.in, s.wHop, s.bHop)
	graphs := t.DynamicGraph(s.graph, filter, s.emb)
	return t.DynamicGRU(s.state, s.in, graphs, s.depth, s.w)
}

// TestDynamicGradients holds the operations of a dynamic graph against central differences.
func TestDynamicGradients(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		for _, density := range []float64{0.15, 0.6} {
			s := newDynamicStep[float64](2, 4, 3, 2, depth, density)
			gradcheck.Check(t, []*vr{s.state, s.in, s.wHop, s.bHop}, func(tp *tape) *vr { return tp.HopSigmoid(s.hops, s.state, s.in, s.wHop, s.bHop) })
		}
		s := newDynamicStep[float64](2, 4, 3, 2, depth, 0.5)
		filter, graphs := gradcheck.Random(rand.New(rand.NewPCG(3, 3)), 8, 6), gradcheck.Random(rand.New(rand.NewPCG(3, 4)), 2, 2, 4, 4)
		gradcheck.Check(t, []*vr{filter, s.emb}, func(tp *tape) *vr { return tp.DynamicGraph(s.graph, filter, s.emb) })
		inputs := append(s.vars()[5:], s.state, s.in, graphs)
		gradcheck.Check(t, inputs, func(tp *tape) *vr { return tp.DynamicGRU(s.state, s.in, graphs, depth, s.w) })
		gradcheck.Check(t, s.vars(), s.run)
	}
}

func TestAssembleGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 1))
	a, b := gradcheck.Random(rng, 4, 3), gradcheck.Random(rng, 2)
	l := &tensor.Layout[float64]{Rows: 5, Cols: 6, Blocks: []tensor.Block[float64]{
		{From: a, Row: 1, Rows: 3, ToRow: 2, ToCol: 2, Scale: 0.5}, {From: a, Row: 0, Rows: 2, ToRow: 1, ToCol: 3, Scale: -2}, {From: b, Rows: 1, ToRow: 2, ToCol: 4, Scale: 1}}}
	gradcheck.Check(t, []*vr{a, b}, func(tp *tape) *vr { return tp.Assemble(l) })
}

// TestDynamicGRUIsItsProducts holds the fused step against the same equations one operation at a time.
func TestDynamicGRUIsItsProducts(t *testing.T) {
	const depth = 2
	s := newDynamicStep[float64](3, 5, 4, 2, depth, 0.5)
	graphs := gradcheck.Random(rand.New(rand.NewPCG(3, 4)), 3, 2, 5, 5)
	tp := tensor.NewInference[float64](nil)
	got := tp.DynamicGRU(s.state, s.in, graphs, depth, s.w)
	side := make([]*vr, 2)
	for g := range side {
		side[g] = tensor.NewConst(make([]float64, 3*25), 3, 5, 5)
		for e := range 3 {
			copy(side[g].Data[e*25:(e+1)*25], graphs.Data[(2*e+g)*25:])
		}
	}
	powers := func(v *vr) *vr {
		c := v.Cols()
		blocks := make([]*vr, 2*depth+1)
		blocks[0] = v
		for g := range side {
			last := v
			for k := 1; k <= depth; k++ {
				last = tp.Reshape(tp.BatchMatMul(side[g], tp.Reshape(last, 3, 5, c)), 15, c)
				blocks[tensor.DynamicBlock(g, k, depth)] = last
			}
		}
		return tp.Concat(blocks...)
	}
	zr := tp.Sigmoid(tp.Linear(tp.Concat(powers(s.state), powers(s.in)), s.w.Gates, s.w.GatesBias, false))
	z, r := tp.SliceCols(zr, 0, 4), tp.SliceCols(zr, 4, 8)
	c := tp.Tanh(tp.Linear(tp.Concat(powers(s.in), powers(tp.Mul(r, s.state))), s.w.Candidate, s.w.CandidateBias, false))
	want := tp.Add(c, tp.Mul(z, tp.Sub(s.state, c)))
	for i, v := range want.Data {
		if math.Abs(v-got.Data[i]) > 1e-13 {
			t.Fatalf("element %d is %v, step by step %v", i, got.Data[i], v)
		}
	}
}

// TestDynamicWorkersChangeNothing: values and gradients are the same bit for bit, without allocation after the first step.
func TestDynamicWorkersChangeNothing(t *testing.T) {
	var want [][]float32
	for workers := 1; workers <= 3; workers++ {
		p := pool.New(workers)
		s, tp := newDynamicStep[float32](11, 17, 8, 2, 2, 0.1), tensor.NewTape[float32](p.Background())
		step := func() *tensor.Var[float32] {
			tp.Reset()
			y := s.run(tp)
			tp.Backward(tp.Sum(tp.Mul(y, y)))
			return y
		}
		got := [][]float32{slices.Clone(step().Data)}
		for _, v := range s.vars() {
			got = append(got, slices.Clone(v.Grad))
		}
		if workers == 1 {
			want = got
		}
		for i := range got {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("%d workers: array %d differs from one worker's", workers, i)
			}
		}
		step()
		if n := testing.AllocsPerRun(5, func() { step() }); n != 0 {
			t.Errorf("%d workers: %v allocations a step", workers, n)
		}
		plain := tensor.NewInference[float32](p.Background())
		if !slices.Equal(s.run(plain).Data, want[0]) {
			t.Errorf("%d workers: an inference differs from training's forward pass", workers)
		}
		p.Close()
	}
}
