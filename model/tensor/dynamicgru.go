package tensor

import "presage/model/tensor/kernel"

// DynamicGRUWeights are a graph recurrent unit's. With m = 2 depth + 1 blocks (see DynamicGRU), Gates is
// [m H + m I, 2H]: the blocks of the state's H rows, then those of the input's I rows, for the gates z and r side by
// side; Candidate is [m I + m H, H]: the input's blocks first.
type DynamicGRUWeights[T Float] struct {
	Gates, GatesBias, Candidate, CandidateBias *Var[T]
}

// DynamicBlock is the place of power k of graph g's matrix (0 or 1) among the blocks of DynamicGRUWeights.
func DynamicBlock(g, k, depth int) int {
	switch {
	case k == 0:
		return 0
	case g == 0:
		return depth + 1 - k // the highest power first
	default:
		return depth + k
	}
}

// DynamicGRU is a step of a recurrent unit whose linear maps read the node rows and their products with powers
// of two matrices of each element of the batch, S0 and S1 in graphs [B, 2, N, N]:
//
//	P(v) = [v | S0^d v | .. | S0 v | S1 v | .. | S1^d v]
//	[z | r] = σ([P(h) | P(x)] Gates + bias)
//	c = tanh([P(x) | P(r h)] Candidate + bias)
//	h' = z h + (1 - z) c
//
// for h [B × N, H] and x [B × N, I]. It is one operation so that an element of the batch goes through all of it while its
// matrices are in the cache, and so that none of the derivatives in between is stored. P(x) is shared by gates and candidate.
func (t *Tape[T]) DynamicGRU(h, x, graphs *Var[T], depth int, w DynamicGRUWeights[T]) *Var[T] {
	s := cellSizes{n: graphs.Cols(), h: h.Cols(), x: x.Cols(), depth: depth}
	m := s.blocks()
	if h.Rows() != x.Rows() || len(graphs.Data) != 2*h.Rows()*s.n || w.Gates.Rows() != m*(s.h+s.x) || w.Gates.Cols() != 2*s.h ||
		w.Candidate.Rows() != m*(s.h+s.x) || w.Candidate.Cols() != s.h || len(w.GatesBias.Data) != 2*s.h || len(w.CandidateBias.Data) != s.h {
		bug("graph recurrent unit of shapes %v, %v, %v with weights %v and %v", h.Shape, x.Shape, graphs.Shape, w.Gates.Shape, w.Candidate.Shape)
	}
	batch := h.Rows() / s.n
	y := t.result(h.Shape, h.Grad != nil || x.Grad != nil || graphs.Grad != nil || w.Gates.Grad != nil)
	held := t.lane.Workers()
	if y.Grad != nil {
		held = batch
	}
	task := cellTask[T]{cellSizes: s, y: y, in: x, state: h, graphs: graphs, w: w, keep: t.mem.Take(held * s.held()), kept: y.Grad != nil}
	t.cells = task
	t.lane.Run(batch, &t.cells)
	t.cells = cellTask[T]{}
	kept := t.inputs.Take(7)
	kept[0], kept[1], kept[2], kept[3], kept[4], kept[5], kept[6] = h, x, graphs, w.Gates, w.GatesBias, w.Candidate, w.CandidateBias
	return t.record(node[T]{op: opDynamicGRU, y: y, parts: kept, keep: task.keep, i: depth})
}

// cellSizes are the sizes of a graph recurrent unit: nodes, state, input, powers.
type cellSizes struct{ n, h, x, depth int }

func (s cellSizes) blocks() int { return 2*s.depth + 1 }

// stride is a row of what is kept: [P(h) | P(x) | P(r h)], so that what the gates and the candidate read are both side by side.
func (s cellSizes) stride() int { return s.blocks() * (2*s.h + s.x) }

// held is what an element of the batch keeps: the rows above, both gates and the candidate.
func (s cellSizes) held() int { return s.n * (s.stride() + 3*s.h) }

// reads is the width of what gates, and as much the candidate, read.
func (s cellSizes) reads() int { return s.blocks() * (s.h + s.x) }

// cellTask is one direction of DynamicGRU, a part being an element of the batch, on the way back a chunk of them.
type cellTask[T Float] struct {
	cellSizes
	y, in, state, graphs *Var[T]
	w                    DynamicGRUWeights[T]
	keep                 []T // of each element of the batch, or of each worker
	kept                 bool

	// The way back.
	backward                   bool
	batch, per, size           int
	scratch                    []T // of each worker, size elements
	turnedG, turnedC           []T // weights transposed
	addH, addX, addS           bool
	dGates, dGatesBias         []T // of each chunk
	dCandidate, dCandidateBias []T
}

// Part implements pool.Task.
func (t *cellTask[T]) Part(i, worker int) {
	if t.backward {
		for e := i * t.per; e < min((i+1)*t.per, t.batch); e++ {
			t.back(i, e, t.scratch[worker*t.size:(worker+1)*t.size])
		}
		return
	}
	at := i
	if !t.kept {
		at = worker
	}
	t.forward(i, t.keep[at*t.held():(at+1)*t.held()])
}

// views cuts what an element keeps into its arrays.
func (t *cellTask[T]) views(keep []T) (rows, gates, candidate []T) {
	return take(&keep, t.n*t.stride()), take(&keep, t.n*2*t.h), take(&keep, t.n*t.h)
}

// matrix is graph g of an element of the batch in v, its values or derivatives.
func (t *cellTask[T]) matrix(v []T, e, g int) []T { return v[(2*e+g)*t.n*t.n:][:t.n*t.n] }

func (t *cellTask[T]) forward(e int, keep []T) {
	rows, gates, candidate := t.views(keep)
	n, h, ld, reads, m := t.n, t.h, t.stride(), t.reads(), t.blocks()
	state, in := t.state.Data[e*n*h:(e+1)*n*h], t.in.Data[e*n*t.x:(e+1)*n*t.x]
	for i := range n {
		copy(rows[i*ld:], state[i*h:(i+1)*h])
		copy(rows[i*ld+m*h:], in[i*t.x:(i+1)*t.x])
	}
	t.powers(e, rows, h)
	t.powers(e, rows[m*h:], t.x)
	kernel.Gemm(gates, rows, t.w.Gates.Data, t.w.GatesBias.Data,
		kernel.Product{M: n, N: 2 * h, K: reads, LDA: ld, LDB: 2 * h, LDC: 2 * h, After: kernel.ThenSigmoid})
	for i := range n {
		kernel.Mul(rows[i*ld+reads:][:h], gates[(2*i+1)*h:][:h], state[i*h:(i+1)*h])
	}
	t.powers(e, rows[reads:], h)
	kernel.Gemm(candidate, rows[m*h:], t.w.Candidate.Data, t.w.CandidateBias.Data,
		kernel.Product{M: n, N: h, K: reads, LDA: ld, LDB: h, LDC: h, After: kernel.ThenTanh})
	y := t.y.Data[e*n*h : (e+1)*n*h]
	kernel.Sub(y, state, candidate)
	for i := range n {
		kernel.Mul(y[i*h:(i+1)*h], y[i*h:(i+1)*h], gates[2*i*h:][:h])
	}
	kernel.Add(y, y, candidate)
}

// powers fills the blocks of c columns after the first with products of the first.
func (t *cellTask[T]) powers(e int, rows []T, c int) {
	p := kernel.Product{M: t.n, N: c, K: t.n, LDA: t.n, LDB: t.stride(), LDC: t.stride()}
	for g := range 2 {
		s := t.matrix(t.graphs.Data, e, g)
		for k := 1; k <= t.depth; k++ {
			kernel.Gemm(rows[DynamicBlock(g, k, t.depth)*c:], s, rows[DynamicBlock(g, k-1, t.depth)*c:], nil, p)
		}
	}
}
