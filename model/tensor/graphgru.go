package tensor

import "presage/model/tensor/kernel"

// GraphGRUWeights are a recurrent cell's with a graph convolution in its gates, in T-GCN's layout: the
// rows of the C input channels come before those of the H hidden ones.
type GraphGRUWeights[T Float] struct {
	Gates, GatesBias         *Var[T] // [C + H, 2H], [2H]: reset, update
	Candidate, CandidateBias *Var[T] // [C + H, H], [H]
}

// GraphGRU runs T-GCN's cell (Zhao et al. 2019) from a state of zeros over windows and gives their last states
// [B × N, H]; x is [B × T × N, C], S is mix [N, N]:
//
//	[r, u] = σ(S [x_t, h] Wg + bg)
//	c = tanh(S [x_t, r h] Wc + bc)
//	h = u h + (1 - u) c
//
// With across, r and u are not each service's own halves of its 2H numbers but the first and the second half of
// all N × 2H of them in order, each read as [N, H]: so it is in T-GCN's published code.
//
// It is one operation: a window goes through all steps while its state and gates are in the cache, and the way
// back likewise.
func (t *Tape[T]) GraphGRU(x *Var[T], mix *CSR[T], steps int, w GraphGRUWeights[T], across bool) *Var[T] {
	n, c, h := mix.Rows, x.Cols(), w.Candidate.Cols()
	if mix.Cols != n || n == 0 || steps < 1 || x.Rows()%(n*steps) != 0 || w.Gates.Rows() != c+h || w.Gates.Cols() != 2*h ||
		w.Candidate.Rows() != c+h || len(w.GatesBias.Data) != 2*h || len(w.CandidateBias.Data) != h {
		bug("graph recurrence of shapes %v, %v on rows of shape %v: %d services, %d steps", w.Gates.Shape, w.Candidate.Shape, x.Shape, n, steps)
	}
	windows := x.Rows() / (n * steps)
	y := t.result(t.matrix(windows*n, h), x.Grad != nil || w.Gates.Grad != nil || w.Candidate.Grad != nil)
	g := &t.extensions.graphGRUs.Take(1)[0]
	*g = graphGRU[T]{x: x, y: y, w: w, graph: mix, across: across, windows: windows, steps: steps, n: n, c: c, h: h}
	if float64(len(mix.Col)) > denseFrom*float64(n*n) {
		g.dense = t.densely(mix)
	}
	if y.Grad != nil {
		g.keep = t.mem.Take(windows * steps * graphGRUKept * n * h)
	}
	g.room = n * (c + 7*h)
	g.scratch = t.mem.Take(t.lane.Workers() * g.room)
	t.lane.Run(windows, g)
	return t.record(node[T]{op: opExtended, y: y, more: g})
}

// denseFrom is the share of all edges from which on a graph is mixed as a dense matrix: measured.
const denseFrom = 0.3

// densely is a sparse matrix in full.
func (t *Tape[T]) densely(a *CSR[T]) []T {
	out := t.zeros(a.Rows * a.Cols)
	for i := range a.Rows {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			out[i*a.Cols+int(a.Col[e])] += a.Val[e]
		}
	}
	return out
}

// graphGRU is what the recurrence remembers, and the task of either direction.
type graphGRU[T Float] struct {
	x, y                 *Var[T]
	w                    GraphGRUWeights[T]
	graph                *CSR[T]
	dense                []T // the graph, if that pays
	across               bool
	windows, steps, n    int
	c, h                 int
	keep                 []T // in training, of each window and step: see kept
	scratch              []T // of each worker
	room                 int // elements of one worker's scratch
	returning            bool
	per                  int // windows of a chunk
	turnedGates, turnedC []T // [2H, C + H], [H, C + H]
	// Of each chunk.
	dGates, dGatesBias, dC, dCBias []T
	addX                           bool
}

// graphGRUKept is how many arrays [N, H] a step keeps.
const graphGRUKept = 4

// kept are a step's gates [2, N, H] (r before u), candidate and state after it [N, H].
type kept[T Float] struct{ gates, candidate, state []T }

func (g *graphGRU[T]) kept(window, step int) kept[T] {
	size := g.n * g.h
	v := g.keep[(window*g.steps+step)*graphGRUKept*size:][:graphGRUKept*size]
	return kept[T]{v[:2*size], v[2*size : 3*size], v[3*size:]}
}

// Part implements pool.Task: a part is a window on the way there, a chunk of windows on the way back.
func (g *graphGRU[T]) Part(i, worker int) {
	scratch := g.scratch[worker*g.room : (worker+1)*g.room]
	if !g.returning {
		g.forward(i, scratch)
		return
	}
	for window := i * g.per; window < min((i+1)*g.per, g.windows); window++ {
		g.backward(i, window, scratch)
	}
}

// forward takes a window through all steps.
func (g *graphGRU[T]) forward(window int, scratch []T) {
	size := g.n * g.h
	in, mixed, reset := take(&scratch, g.n*g.c), take(&scratch, size), take(&scratch, size)
	now := kept[T]{take(&scratch, 2*size), take(&scratch, size), take(&scratch, size)}
	before := take(&scratch, size)
	for k := range g.steps {
		if g.keep != nil {
			now = g.kept(window, k)
		}
		r, u := now.gates[:size], now.gates[size:]
		g.mix(in, g.input(window, k), g.c, false, false)
		if k == 0 { // the state is zero
			g.convolveGates(now.gates, in, 0, g.c, false, true)
			g.convolve(now.candidate, in, 0, g.c, false, true)
			kernel.Mul(reset, u, now.candidate)
			kernel.Sub(now.state, now.candidate, reset)
		} else {
			g.convolveGates(now.gates, in, 0, g.c, false, false)
			g.mix(mixed, before, g.h, false, false)
			g.convolveGates(now.gates, mixed, g.c, g.h, true, true)
			kernel.Mul(reset, r, before)
			g.convolve(now.candidate, in, 0, g.c, false, false)
			g.mix(mixed, reset, g.h, false, false)
			g.convolve(now.candidate, mixed, g.c, g.h, true, true)
			kernel.Sub(reset, before, now.candidate)
			kernel.Mul(reset, u, reset)
			kernel.Add(now.state, now.candidate, reset)
		}
		if g.keep != nil {
			before = now.state
		} else {
			before, now.state = now.state, before
		}
	}
	copy(g.y.Data[window*size:(window+1)*size], before)
}

// input are a step's rows of x.
func (g *graphGRU[T]) input(window, step int) []T {
	return g.x.Data[(window*g.steps+step)*g.n*g.c:][:g.n*g.c]
}

// mix is y = S x, or y = Sᵀ x, or adds it, for rows of cols elements.
func (g *graphGRU[T]) mix(y, x []T, cols int, turned, add bool) {
	if g.dense != nil {
		kernel.Gemm(y, g.dense, x, nil, kernel.Product{M: g.n, N: cols, K: g.n, LDA: g.n, LDB: cols, LDC: cols, TransA: turned, Add: add})
		return
	}
	s := g.graph
	if turned {
		s = s.Transposed()
	}
	kernel.SpMM(y, s.RowPtr, s.Col, s.Val, x, cols, add)
}

// convolveGates is the part of rows [from, from + depth) of the gates' weights, with the biases unless it is added; last says
// that it is the last part, so that the function follows. out is [2, N, H].
func (g *graphGRU[T]) convolveGates(out, a []T, from, depth int, add, last bool) {
	p := kernel.Product{M: g.n, N: g.h, K: depth, LDA: depth, LDB: 2 * g.h, LDC: g.h, Add: add}
	if last {
		p.After = kernel.ThenSigmoid
	}
	w, bias := g.w.Gates.Data[from*2*g.h:], g.w.GatesBias.Data
	if g.across {
		p.N, p.LDC = 2*g.h, 2*g.h
		kernel.Gemm(out, a, w, unless(add, bias), p)
		return
	}
	size := g.n * g.h
	kernel.Gemm(out[:size], a, w, unless(add, bias[:g.h]), p)
	kernel.Gemm(out[size:], a, w[g.h:], unless(add, bias[g.h:]), p)
}

// convolve is convolveGates for the candidate [N, H].
func (g *graphGRU[T]) convolve(out, a []T, from, depth int, add, last bool) {
	p := kernel.Product{M: g.n, N: g.h, K: depth, LDA: depth, LDB: g.h, LDC: g.h, Add: add}
	if last {
		p.After = kernel.ThenTanh
	}
	kernel.Gemm(out, a, g.w.Candidate.Data[from*g.h:], unless(add, g.w.CandidateBias.Data), p)
}

func unless[T Float](no bool, v []T) []T {
	if no {
		return nil
	}
	return v
}
