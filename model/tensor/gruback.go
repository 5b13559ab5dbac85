package tensor

import "presage/model/tensor/kernel"

// backGRU goes back through a recurrent layer.
func (t *Tape[T]) backGRU(n *node[T]) {
	g := n.gru
	parts, _ := split(g.rows)
	task := gruTask[T]{node: g, y: n.y, back: true, scratch: t.mem.Take(t.lane.Workers() * g.scratch())}
	if g.x.Grad != nil {
		task.dx = t.mem.Take(len(g.index) * g.rows * g.in)
	}
	task.dIn, task.dHid = t.zeros(parts*len(g.w.In.Data)), t.zeros(parts*len(g.w.Hidden.Data))
	task.dBIn, task.dBHi = t.zeros(parts*len(g.w.BiasIn.Data)), t.zeros(parts*len(g.w.BiasHidden.Data))
	t.recurrent = task
	t.lane.Run(parts, &t.recurrent)
	t.recurrent = gruTask[T]{}
	gatherChunks(g.w.In, task.dIn, parts)
	gatherChunks(g.w.Hidden, task.dHid, parts)
	gatherChunks(g.w.BiasIn, task.dBIn, parts)
	gatherChunks(g.w.BiasHidden, task.dBHi, parts)
	if task.dx != nil {
		t.spread(g, task.dx)
	}
}

// backward takes a block of sequences back through all steps.
func (t *gruTask[T]) backward(chunk, from, to int, scratch []T) {
	g, n := &t.node, to-from
	x := take(&scratch, n*g.in)
	dIn, dHidden := take(&scratch, n*3*g.c), take(&scratch, n*3*g.c)
	dh, zero := take(&scratch, n*g.c), take(&scratch, n*g.c)
	clear(zero)
	copy(dh, t.y.Grad[from*g.c:to*g.c])
	part := func(v []T, n int) []T { return v[chunk*n : (chunk+1)*n] }
	wIn, wHidden := part(t.dIn, 3*g.c*g.in), part(t.dHid, 3*g.c*g.c)
	bIn, bHidden := part(t.dBIn, 3*g.c), part(t.dBHi, 3*g.c)
	for k := len(g.index) - 1; k >= 0; k-- {
		before := zero
		if k > 0 {
			before = g.at(g.states, k-1, from, to, g.c)
		}
		kernel.GRUGatesBack(dIn, dHidden, dh, dh, before, g.at(g.keep, k, from, to, 4*g.c), g.c)
		kernel.Gemm(wIn, dIn, g.inputs(k, from, to, x), nil,
			kernel.Product{M: 3 * g.c, N: g.in, K: n, LDA: 3 * g.c, LDB: g.in, LDC: g.in, TransA: true, Add: true})
		kernel.ColSum(bIn, dIn)
		kernel.ColSum(bHidden, dHidden)
		if t.dx != nil {
			kernel.Gemm(g.at(t.dx, k, from, to, g.in), dIn, g.w.In.Data, nil,
				kernel.Product{M: n, N: g.in, K: 3 * g.c, LDA: 3 * g.c, LDB: g.in, LDC: g.in})
		}
		if k == 0 {
			break // the state before it is zero, and nobody's
		}
		kernel.Gemm(wHidden, dHidden, before, nil,
			kernel.Product{M: 3 * g.c, N: g.c, K: n, LDA: 3 * g.c, LDB: g.c, LDC: g.c, TransA: true, Add: true})
		kernel.Gemm(dh, dHidden, g.w.Hidden.Data, nil,
			kernel.Product{M: n, N: g.c, K: 3 * g.c, LDA: 3 * g.c, LDB: g.c, LDC: g.c, Add: true})
	}
}

// spread adds the steps' derivatives [T, R, in] to the rows of x that they came from. A row may have
// served several sequences, so that rows collect what is theirs, in the order of steps and sequences.
func (t *Tape[T]) spread(g gruNode[T], dx []T) {
	rows, entries := g.x.Rows(), len(g.index)*g.rows
	s := &t.sparses.Take(1)[0]
	*s = CSR[T]{Rows: rows, Cols: entries, RowPtr: t.indices.Take(rows + 1), Col: t.indices.Take(entries), Val: t.mem.Take(entries)}
	clear(s.RowPtr)
	for _, index := range g.index {
		for _, r := range index {
			if r >= 0 {
				s.RowPtr[r+1]++
			}
		}
	}
	for i := range rows {
		s.RowPtr[i+1] += s.RowPtr[i]
	}
	next := t.indices.Take(rows)
	copy(next, s.RowPtr)
	for k, index := range g.index {
		for j, r := range index {
			if r >= 0 {
				s.Col[next[r]] = int32(k*g.rows + j)
				next[r]++
			}
		}
	}
	for i := range s.Val {
		s.Val[i] = 1
	}
	list := t.graphs.Take(1)
	list[0] = s
	t.mix(g.x.Grad, dx, list, g.in, g.x.collect())
}
