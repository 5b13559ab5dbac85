package tensor

import "presage/model/tensor/kernel"

// DynamicGraph makes a graph for each element of a batch from what is known of its nodes at the moment, and adds
// it to fixed ones. All matrices are the ones that node rows are multiplied with from the left.
type DynamicGraph[T Float] struct {
	Nodes  int
	Alpha  T   // steepness of both tanh
	Beta   T   // weight of the made graphs
	Static []T // [2, N, N], the fixed graphs in both directions with their weight in them
}

// DynamicGraph is, for filter f = [f1 | f2] [B × N, 2D] and embedding e = [e1 | e2] [N, 2D],
//
//	n = tanh(α e f)                              element by element
//	T = tanh(α (n1 n2ᵀ - n2 n1ᵀ)), A = max(T, 0)
//	y_0 = β rownorm(A + I)ᵀ + Static_0,  y_1 = β rownorm(Aᵀ + I)ᵀ + Static_1
//
// with result [B, 2, N, N]. (Li et al. 2021, section 4.2.) T is antisymmetric, so that max(-T, 0) is Aᵀ and the rows'
// sums of one are the columns' of the other. Of its way only T and the sums are kept.
func (t *Tape[T]) DynamicGraph(g *DynamicGraph[T], filter, embedding *Var[T]) *Var[T] {
	n, c := g.Nodes, filter.Cols()
	if filter.Rows()%n != 0 || c%2 != 0 || embedding.Rows() != n || embedding.Cols() != c || len(g.Static) != 2*n*n {
		bug("graph of %d nodes from shapes %v and %v", n, filter.Shape, embedding.Shape)
	}
	batch := filter.Rows() / n
	shape := t.shapes.Take(4)
	shape[0], shape[1], shape[2], shape[3] = batch, 2, n, n
	y := t.result(shape, filter.Grad != nil || embedding.Grad != nil)
	task := graphTask[T]{DynamicGraph: g, y: y, filter: filter, embedding: embedding, c: c, size: 3 * n * c, kept: y.Grad != nil}
	held := t.lane.Workers()
	if task.kept {
		held = batch
	}
	task.keep = t.mem.Take(held * task.held())
	task.scratch = t.mem.Take(t.lane.Workers() * task.size)
	t.growing = task
	t.lane.Run(batch, &t.growing)
	t.growing = graphTask[T]{}
	return t.record(node[T]{op: opExtended, y: y, a: filter, b: embedding, keep: task.keep, more: g})
}

// back implements extended.
func (g *DynamicGraph[T]) back(t *Tape[T], n *node[T]) {
	f, e := n.a, n.b
	batch, c := f.Rows()/g.Nodes, f.Cols()
	parts, per := batchChunks(batch)
	task := graphTask[T]{DynamicGraph: g, y: n.y, filter: f, embedding: e, c: c, keep: n.keep, kept: true,
		size: g.Nodes * (4*c + g.Nodes + 6), backward: true, batch: batch, per: per, addF: wants(f)}
	task.scratch = t.mem.Take(t.lane.Workers() * task.size)
	if e.Grad != nil {
		task.dE = t.zeros(parts * len(e.Data))
	}
	t.growing = task
	t.lane.Run(parts, &t.growing)
	t.growing = graphTask[T]{}
	gatherChunks(e, task.dE, parts)
}

// graphTask is one direction of DynamicGraph, a part being an element of the batch, on the way back a chunk of them.
type graphTask[T Float] struct {
	*DynamicGraph[T]
	y, filter, embedding *Var[T]
	c, size              int
	keep                 []T // of each element, or each worker: T [N, N], 1 / the sums [2, N]
	kept                 bool
	scratch              []T // of each worker, size elements
	backward             bool
	batch, per           int
	addF                 bool
	dE                   []T // of each chunk
}

// held is what an element of the batch keeps.
func (t *graphTask[T]) held() int { return t.Nodes * (t.Nodes + 2) }

// Part implements pool.Task.
func (t *graphTask[T]) Part(i, worker int) {
	scratch := t.scratch[worker*t.size : (worker+1)*t.size]
	if !t.backward {
		at := i
		if !t.kept {
			at = worker
		}
		t.forward(i, t.keep[at*t.held():(at+1)*t.held()], scratch)
		return
	}
	for e := i * t.per; e < min((i+1)*t.per, t.batch); e++ {
		t.back(i, e, t.keep[e*t.held():(e+1)*t.held()], scratch)
	}
}

// states is n of an element's filter.
func (t *graphTask[T]) states(into, filter []T) {
	kernel.Mul(into, filter, t.embedding.Data)
	kernel.Scale(into, into, t.Alpha)
	kernel.Tanh(into, into)
}

func (t *graphTask[T]) forward(e int, keep, scratch []T) {
	n, c, half := t.Nodes, t.c, t.Nodes*t.c/2
	state, turned, other := take(&scratch, n*c), take(&scratch, n*c), take(&scratch, n*c)
	t.states(state, t.filter.Data[e*n*c:(e+1)*n*c])
	kernel.Transpose(turned, state, n, c)
	kernel.Scale(other[:half], turned[half:], t.Alpha)
	kernel.Scale(other[half:], turned[:half], -t.Alpha)
	bent, inverse := keep[:n*n], keep[n*n:]
	kernel.Gemm(bent, state, other, nil, kernel.Product{M: n, N: n, K: c, LDA: c, LDB: n, LDC: n, After: kernel.ThenTanh})

	y0, y1 := t.y.Data[2*e*n*n:(2*e+1)*n*n], t.y.Data[(2*e+1)*n*n:(2*e+2)*n*n]
	kernel.ReLU(y1, bent)
	kernel.Sub(y0, y1, bent)
	for i := range inverse {
		inverse[i] = 1 // the identity's share of the sums
	}
	kernel.ColSum(inverse[:n], y0)
	kernel.ColSum(inverse[n:], y1)
	for i, s := range inverse {
		inverse[i] = 1 / s
	}
	factor := other[:n]
	for k, y := range [2][]T{y0, y1} {
		kernel.Scale(factor, inverse[k*n:(k+1)*n], t.Beta)
		for i := range n {
			row := y[i*n : (i+1)*n]
			row[i]++
			kernel.Mul(row, row, factor)
			kernel.Add(row, row, t.Static[(k*n+i)*n:][:n])
		}
	}
}

func (t *graphTask[T]) back(chunk, e int, keep, scratch []T) {
	n, c := t.Nodes, t.c
	state, other := take(&scratch, n*c), take(&scratch, n*c)
	dState, dSum := take(&scratch, n*c), take(&scratch, n*c)
	filter := t.filter.Data[e*n*c : (e+1)*n*c]
	t.states(state, filter)
	d := take(&scratch, n*n)
	t.backMatrix(e, d, keep, scratch)

	// With d that of n1 n2ᵀ - n2 n1ᵀ: dn1 = (d - dᵀ) n2, dn2 = -(d - dᵀ) n1.
	for i := range n {
		row, from := other[i*c:(i+1)*c], state[i*c:(i+1)*c]
		copy(row, from[c/2:])
		kernel.Scale(row[c/2:], from[:c/2], -1)
	}
	p := kernel.Product{M: n, N: c, K: n, LDA: n, LDB: c, LDC: c}
	kernel.Gemm(dState, d, other, nil, p)
	kernel.Scale(other, other, -1)
	p.TransA, p.Add = true, true
	kernel.Gemm(dState, d, other, nil, p)

	clear(dSum)
	kernel.TanhBack(dSum, state, dState)
	kernel.Scale(dSum, dSum, t.Alpha*t.Alpha) // the outer tanh's and the inner one's
	switch {
	case t.filter.Grad == nil:
	case t.addF:
		kernel.MulAdd(t.filter.Grad[e*n*c:(e+1)*n*c], dSum, t.embedding.Data)
	default:
		kernel.Mul(t.filter.Grad[e*n*c:(e+1)*n*c], dSum, t.embedding.Data)
	}
	if t.dE != nil {
		kernel.MulAdd(t.dE[chunk*n*c:(chunk+1)*n*c], dSum, filter)
	}
}

// backMatrix is the way from both results back to the argument of the outer tanh, d [N, N].
func (t *graphTask[T]) backMatrix(e int, d, keep, scratch []T) {
	n := t.Nodes
	bent, inverse := keep[:n*n], keep[n*n:]
	row, masked, signed := take(&scratch, n), take(&scratch, n), take(&scratch, n)
	means, factor := take(&scratch, 2*n), take(&scratch, n)
	grads := [2][]T{t.y.Grad[2*e*n*n : (2*e+1)*n*n], t.y.Grad[(2*e+1)*n*n : (2*e+2)*n*n]}
	clear(means)
	// means_v = Σ_w dy[w, v] S[w, v] / sum_v, S being max(∓T, 0) + I: what the division by the sum takes back.
	for k, grad := range grads {
		sign := T(2*k - 1)
		for i := range n {
			kernel.Scale(row, bent[i*n:(i+1)*n], sign)
			kernel.ReLU(row, row)
			row[i]++
			kernel.Mul(d[i*n:(i+1)*n], row, grad[i*n:(i+1)*n])
		}
		mean := means[k*n : (k+1)*n]
		kernel.ColSum(mean, d)
		kernel.Mul(mean, mean, inverse[k*n:(k+1)*n])
	}
	clear(d)
	for k, grad := range grads {
		sign := T(2*k - 1)
		kernel.Scale(factor, inverse[k*n:(k+1)*n], sign*t.Beta)
		for i := range n {
			kernel.Scale(signed, bent[i*n:(i+1)*n], sign)
			kernel.Sub(row, grad[i*n:(i+1)*n], means[k*n:(k+1)*n])
			kernel.Mul(row, row, factor)
			kernel.ReLUMask(masked, signed, row)
			kernel.TanhBack(d[i*n:(i+1)*n], bent[i*n:(i+1)*n], masked)
		}
	}
}
