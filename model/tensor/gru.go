package tensor

import "presage/model/tensor/kernel"

// GRUWeights are a gated recurrent layer's in PyTorch's layout and order of gates (r, z, n).
type GRUWeights[T Float] struct {
	In, Hidden         *Var[T] // [3C, in], [3C, C]
	BiasIn, BiasHidden *Var[T] // [3C]
}

// GRU runs a gated recurrent layer from a state of zeros over sequences and gives their last
// states [R, C]. Step k of sequence j is row index[k][j] of x, or zeros where that is -1. index must
// not change before Backward.
//
// It is one operation: a block of sequences goes through all steps while its state and gates are in
// the cache, and the way back likewise. (See GRUGates for the equations.)
func (t *Tape[T]) GRU(x *Var[T], index [][]int32, w GRUWeights[T]) *Var[T] {
	c, in := w.Hidden.Cols(), x.Cols()
	rows := len(index[0])
	if w.In.Cols() != in || w.In.Rows() != 3*c || w.Hidden.Rows() != 3*c || len(w.BiasIn.Data) != 3*c || len(w.BiasHidden.Data) != 3*c {
		bug("recurrent layer of shapes %v, %v on rows of shape %v", w.In.Shape, w.Hidden.Shape, x.Shape)
	}
	y := t.result(t.matrix(rows, c), w.Hidden.Grad != nil || x.Grad != nil)
	g := gruNode[T]{x: x, index: index, w: w, rows: rows, c: c, in: in, turnedIn: t.mem.Take(3 * c * in), turnedHidden: t.mem.Take(3 * c * c)}
	kernel.Transpose(g.turnedIn, w.In.Data, 3*c, in)
	kernel.Transpose(g.turnedHidden, w.Hidden.Data, 3*c, c)
	if y.Grad != nil {
		g.states = t.mem.Take(len(index) * rows * c)
		g.keep = t.mem.Take(len(index) * rows * 4 * c)
	}
	var parts int
	parts, g.per = split(rows)
	t.recurrent = gruTask[T]{node: g, y: y, scratch: t.mem.Take(t.lane.Workers() * g.scratch())}
	t.lane.Run(parts, &t.recurrent)
	t.recurrent = gruTask[T]{}
	return t.record(node[T]{op: opGRU, y: y, gru: g})
}

// gruNode is what a recurrent layer remembers.
type gruNode[T Float] struct {
	x                      *Var[T]
	index                  [][]int32
	w                      GRUWeights[T]
	rows, c, in, per       int
	turnedIn, turnedHidden []T // [in, 3C], [C, 3C]
	// In training only, of each step [R, ..]: the state after it, and what the gates keep.
	states, keep []T
}

// gruRows are the sequences that go through all steps together.
const gruRows = 56

// scratch is what a worker needs for a block: inputs, both products, two states, and on
// the way back the derivatives of both products and of the state.
func (g *gruNode[T]) scratch() int { return gruRows * (g.in + 6*g.c + 2*g.c) }

// gruTask is one direction of the layer, a part being a chunk of sequences.
type gruTask[T Float] struct {
	node    gruNode[T]
	y       *Var[T]
	scratch []T

	// The way back.
	back       bool
	dx         []T // [T, R, in], nil if x wants no gradient
	dIn, dHid  []T // of each chunk, [3C, in] and [3C, C]
	dBIn, dBHi []T // of each chunk, [3C]
}

// Part implements pool.Task.
func (t *gruTask[T]) Part(chunk, worker int) {
	g := &t.node
	s := t.scratch[worker*g.scratch() : (worker+1)*g.scratch()]
	end := min((chunk+1)*g.per, g.rows)
	for from := chunk * g.per; from < end; from += gruRows {
		to := min(from+gruRows, end)
		if t.back {
			t.backward(chunk, from, to, s)
		} else {
			t.forward(from, to, s)
		}
	}
}

// take cuts n elements off scratch.
func take[T Float](scratch *[]T, n int) []T {
	out := (*scratch)[:n:n]
	*scratch = (*scratch)[n:]
	return out
}

// forward takes a block of sequences through all steps.
func (t *gruTask[T]) forward(from, to int, scratch []T) {
	g, n := &t.node, to-from
	x := take(&scratch, n*g.in)
	in, hidden := take(&scratch, n*3*g.c), take(&scratch, n*3*g.c)
	now, before := take(&scratch, n*g.c), take(&scratch, n*g.c)
	clear(before)
	for k := range g.index {
		kernel.Gemm(in, g.inputs(k, from, to, x), g.turnedIn, g.w.BiasIn.Data,
			kernel.Product{M: n, N: 3 * g.c, K: g.in, LDA: g.in, LDB: 3 * g.c, LDC: 3 * g.c})
		var keep []T
		if g.states != nil {
			keep = g.at(g.keep, k, from, to, 4*g.c)
			now = g.at(g.states, k, from, to, g.c)
		}
		depth := g.c
		if k == 0 {
			depth = 0 // the state is zero: what is left is the bias
		}
		kernel.Gemm(hidden, before, g.turnedHidden, g.w.BiasHidden.Data,
			kernel.Product{M: n, N: 3 * g.c, K: depth, LDA: g.c, LDB: 3 * g.c, LDC: 3 * g.c})
		kernel.GRUGates(now, before, in, hidden, keep, g.c)
		now, before = before, now
	}
	copy(t.y.Data[from*g.c:to*g.c], before)
}

// inputs are the block's rows of x in step k: where they lie, if they lie one after the
// other, else copied to scratch.
func (g *gruNode[T]) inputs(k, from, to int, scratch []T) []T {
	rows := g.index[k][from:to]
	for j, r := range rows {
		if r != rows[0]+int32(j) || r < 0 {
			gatherRows(scratch, g.x.Data, rows, g.in)
			return scratch
		}
	}
	return g.x.Data[int(rows[0])*g.in:][:len(rows)*g.in]
}

// at is the block's part of step k of what is kept.
func (g *gruNode[T]) at(v []T, k, from, to, cols int) []T {
	return v[(k*g.rows+from)*cols : (k*g.rows+to)*cols]
}
