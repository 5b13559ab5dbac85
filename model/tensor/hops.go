package tensor

import "presage/model/tensor/kernel"

// Hops are constant square matrices S_g over N nodes, each applied up to Depth times.
type Hops[T Float] struct {
	nodes, depth int
	graphs       []hop[T]
}

// hop is a matrix and its transpose, sparse or dense.
type hop[T Float] struct {
	sparse        *CSR[T]
	dense, turned []T
}

// hopsDenseFrom is the share of entries from which a dense product is faster than a sparse one.
const hopsDenseFrom = 0.2

// NewHops prepares matrices [N, N]; those that have many entries are applied as dense ones.
func NewHops[T Float](depth int, graphs ...*CSR[T]) *Hops[T] {
	h := &Hops[T]{nodes: graphs[0].Rows, depth: depth}
	for _, g := range graphs {
		n := g.Rows
		if n != h.nodes || g.Cols != n {
			bug("hops over a matrix [%d, %d] beside one of %d nodes", n, g.Cols, h.nodes)
		}
		if float64(len(g.Col)) < hopsDenseFrom*float64(n*n) {
			g.Transposed() // workers only read it
			h.graphs = append(h.graphs, hop[T]{sparse: g})
			continue
		}
		d := hop[T]{dense: make([]T, n*n), turned: make([]T, n*n)}
		for i := range n {
			for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
				d.dense[i*n+int(g.Col[e])] += g.Val[e]
			}
		}
		kernel.Transpose(d.turned, d.dense, n, n)
		h.graphs = append(h.graphs, d)
	}
	return h
}

// mix is Y (+)= S X, or of S transposed; rows have c elements.
func (h *hop[T]) mix(y, x []T, nodes, c int, turned, add bool) {
	if h.sparse != nil {
		s := h.sparse
		if turned {
			s = s.Transposed()
		}
		kernel.SpMM(y, s.RowPtr, s.Col, s.Val, x, c, add)
		return
	}
	s := h.dense
	if turned {
		s = h.turned
	}
	kernel.Gemm(y, s, x, nil, kernel.Product{M: nodes, N: c, K: nodes, LDA: nodes, LDB: c, LDC: c, Add: add})
}

// HopSigmoid is a sigmoid of a polynomial in each graph, side by side:
//
//	y_g = σ(Σ_k S_g^k [h | x] W_gk + b_g)   k = 0..Depth
//
// for h [B × N, H] and x [B × N, I]. w is [G × (Depth + 1) × (H + I), C], the blocks W_gk one below the
// other, b [G × C], the result [B × N, G × C]. What is mixed are the C columns after the weights, by Horner's rule, which
// leaves nothing to remember for the way back.
func (t *Tape[T]) HopSigmoid(g *Hops[T], h, x, w, b *Var[T]) *Var[T] {
	in, out, n := h.Cols()+x.Cols(), w.Cols(), len(g.graphs)
	if h.Rows() != x.Rows() || h.Rows()%g.nodes != 0 || w.Rows() != n*(g.depth+1)*in || len(b.Data) != n*out {
		bug("hops of %d graphs over shapes %v, %v with weights %v and %v", n, h.Shape, x.Shape, w.Shape, b.Shape)
	}
	y := t.result(t.matrix(h.Rows(), n*out), h.Grad != nil || x.Grad != nil || w.Grad != nil || b.Grad != nil)
	task := hopTask[T]{Hops: g, y: y, h: h, x: x, w: w, b: b, in: in, out: out, size: g.nodes * (in + 2*out)}
	task.scratch = t.mem.Take(t.lane.Workers() * task.size)
	t.hopping = task
	t.lane.Run(h.Rows()/g.nodes, &t.hopping)
	t.hopping = hopTask[T]{}
	kept := t.inputs.Take(4)
	kept[0], kept[1], kept[2], kept[3] = h, x, w, b
	return t.record(node[T]{op: opExtended, y: y, parts: kept, more: g})
}

// back implements extended.
func (g *Hops[T]) back(t *Tape[T], n *node[T]) {
	h, x, w, b := n.parts[0], n.parts[1], n.parts[2], n.parts[3]
	in, out, batch := h.Cols()+x.Cols(), w.Cols(), h.Rows()/g.nodes
	parts, per := batchChunks(batch)
	task := hopTask[T]{Hops: g, y: n.y, h: h, x: x, w: w, b: b, in: in, out: out, size: g.nodes * (2*in + 2*out),
		backward: true, batch: batch, per: per, addH: wants(h), addX: wants(x)}
	task.scratch = t.mem.Take(t.lane.Workers() * task.size)
	task.turned = t.mem.Take(len(w.Data))
	for at := 0; at < len(w.Data); at += in * out {
		kernel.Transpose(task.turned[at:at+in*out], w.Data[at:at+in*out], in, out)
	}
	task.dW, task.dB = t.zeros(parts*len(w.Data)), t.zeros(parts*len(b.Data))
	t.hopping = task
	t.lane.Run(parts, &t.hopping)
	t.hopping = hopTask[T]{}
	gatherChunks(w, task.dW, parts)
	gatherChunks(b, task.dB, parts)
}

// batchChunks divides a batch for the way back: into a number of parts that depends on the batch alone, so that
// sums over it come out the same for any number of workers.
func batchChunks(batch int) (parts, per int) {
	per = (batch + chunks - 1) / chunks
	return (batch + per - 1) / per, per
}

// wants is collect for an input that may want no gradient.
func wants[T Float](v *Var[T]) (add bool) { return v.Grad != nil && v.collect() }

// hopTask is one direction of HopSigmoid, a part being an element of the batch, on the way back a chunk of them.
type hopTask[T Float] struct {
	*Hops[T]
	y, h, x, w, b *Var[T]
	in, out, size int
	scratch       []T // of each worker, size elements
	backward      bool
	batch, per    int
	addH, addX    bool
	turned        []T // blocks of w, transposed
	dW, dB        []T // of each chunk
}

// Part implements pool.Task.
func (t *hopTask[T]) Part(i, worker int) {
	scratch := t.scratch[worker*t.size : (worker+1)*t.size]
	if !t.backward {
		t.forward(i, scratch)
		return
	}
	for e := i * t.per; e < min((i+1)*t.per, t.batch); e++ {
		t.back(i, e, scratch)
	}
}

// inputs puts [h | x] of an element of the batch side by side.
func (t *hopTask[T]) inputs(e int, c []T) {
	hc, xc := t.h.Cols(), t.x.Cols()
	for i := range t.nodes {
		r := e*t.nodes + i
		copy(c[i*t.in:], t.h.Data[r*hc:(r+1)*hc])
		copy(c[i*t.in+hc:], t.x.Data[r*xc:(r+1)*xc])
	}
}

func (t *hopTask[T]) forward(e int, scratch []T) {
	n, blocks := t.nodes, t.depth+1
	c, sum, next := take(&scratch, n*t.in), take(&scratch, n*t.out), take(&scratch, n*t.out)
	t.inputs(e, c)
	p := kernel.Product{M: n, N: t.out, K: t.in, LDA: t.in, LDB: t.out, LDC: t.out}
	for g := range t.graphs {
		for k := t.depth; k >= 0; k-- {
			var bias []T
			if k == 0 {
				bias = t.b.Data[g*t.out : (g+1)*t.out]
			}
			kernel.Gemm(next, c, t.w.Data[(g*blocks+k)*t.in*t.out:][:t.in*t.out], bias, p)
			if k < t.depth {
				t.graphs[g].mix(next, sum, n, t.out, false, true)
			}
			sum, next = next, sum
		}
		kernel.Sigmoid(sum, sum)
		wide := len(t.graphs) * t.out
		for i := range n {
			copy(t.y.Data[(e*n+i)*wide+g*t.out:][:t.out], sum[i*t.out:(i+1)*t.out])
		}
	}
}

func (t *hopTask[T]) back(chunk, e int, scratch []T) {
	n, blocks, block := t.nodes, t.depth+1, t.in*t.out
	c, dc := take(&scratch, n*t.in), take(&scratch, n*t.in)
	d, next := take(&scratch, n*t.out), take(&scratch, n*t.out)
	t.inputs(e, c)
	wide := len(t.graphs) * t.out
	dW, dB := t.dW[chunk*len(t.w.Data):][:len(t.w.Data)], t.dB[chunk*wide:][:wide]
	for g := range t.graphs {
		clear(d)
		for i := range n {
			at := (e*n+i)*wide + g*t.out
			kernel.SigmoidBack(d[i*t.out:(i+1)*t.out], t.y.Data[at:at+t.out], t.y.Grad[at:at+t.out])
		}
		kernel.ColSum(dB[g*t.out:(g+1)*t.out], d)
		for k := 0; k <= t.depth; k++ {
			at := (g*blocks + k) * block
			kernel.Gemm(dW[at:at+block], c, d, nil, kernel.Product{M: t.in, N: t.out, K: n, LDA: t.in, LDB: t.out, LDC: t.out, TransA: true, Add: true})
			kernel.Gemm(dc, d, t.turned[at:at+block], nil, kernel.Product{M: n, N: t.in, K: t.out, LDA: t.out, LDB: t.in, LDC: t.in, Add: g+k > 0})
			if k < t.depth {
				t.graphs[g].mix(next, d, n, t.out, true, false)
				d, next = next, d
			}
		}
	}
	give(t.h, dc, e*n, n, t.in, t.addH)
	give(t.x, dc[t.h.Cols():], e*n, n, t.in, t.addX)
}

// give writes or adds rows, stride elements apart, to the gradient's rows from a first one on.
func give[T Float](v *Var[T], rows []T, from, n, stride int, add bool) {
	if v.Grad == nil {
		return
	}
	c := v.Cols()
	for i := range n {
		into, row := v.Grad[(from+i)*c:][:c], rows[i*stride:][:c]
		if add {
			kernel.Add(into, into, row)
		} else {
			copy(into, row)
		}
	}
}
