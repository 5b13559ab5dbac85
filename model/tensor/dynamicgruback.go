package tensor

import "presage/model/tensor/kernel"

// backDynamicGRU goes back through a step of a graph recurrent unit.
func (t *Tape[T]) backDynamicGRU(n *node[T]) {
	h, x, graphs := n.parts[0], n.parts[1], n.parts[2]
	w := DynamicGRUWeights[T]{Gates: n.parts[3], GatesBias: n.parts[4], Candidate: n.parts[5], CandidateBias: n.parts[6]}
	s := cellSizes{n: graphs.Cols(), h: h.Cols(), x: x.Cols(), depth: n.i}
	batch := h.Rows() / s.n
	parts, per := batchChunks(batch)
	task := cellTask[T]{cellSizes: s, y: n.y, in: x, state: h, graphs: graphs, w: w, keep: n.keep, kept: true,
		backward: true, batch: batch, per: per, size: s.n*(s.stride()+4*s.h+(2*s.depth-1)*max(s.h, s.x)) + s.h,
		addH: wants(h), addX: wants(x), addS: wants(graphs)}
	task.scratch = t.mem.Take(t.lane.Workers() * task.size)
	task.turnedG, task.turnedC = t.mem.Take(len(w.Gates.Data)), t.mem.Take(len(w.Candidate.Data))
	kernel.Transpose(task.turnedG, w.Gates.Data, s.reads(), 2*s.h)
	kernel.Transpose(task.turnedC, w.Candidate.Data, s.reads(), s.h)
	task.dGates, task.dGatesBias = t.zeros(parts*len(w.Gates.Data)), t.zeros(parts*2*s.h)
	task.dCandidate, task.dCandidateBias = t.zeros(parts*len(w.Candidate.Data)), t.zeros(parts*s.h)
	t.cells = task
	t.lane.Run(parts, &t.cells)
	t.cells = cellTask[T]{}
	gatherChunks(w.Gates, task.dGates, parts)
	gatherChunks(w.GatesBias, task.dGatesBias, parts)
	gatherChunks(w.Candidate, task.dCandidate, parts)
	gatherChunks(w.CandidateBias, task.dCandidateBias, parts)
}

// back takes an element of the batch back. d is laid out as the rows that forward kept.
func (t *cellTask[T]) back(chunk, e int, scratch []T) {
	rows, gates, candidate := t.views(t.keep[e*t.held() : (e+1)*t.held()])
	n, h, m, ld, reads := t.n, t.h, t.blocks(), t.stride(), t.reads()
	d, dGates := take(&scratch, n*ld), take(&scratch, n*2*h)
	dCandidate, dState := take(&scratch, n*h), take(&scratch, n*h)
	t.backMean(e, gates, candidate, dGates, dCandidate, dState, scratch)

	weights := kernel.Product{M: reads, N: h, K: n, LDA: ld, LDB: h, LDC: h, TransA: true, Add: true}
	kernel.Gemm(t.dCandidate[chunk*reads*h:][:reads*h], rows[m*h:], dCandidate, nil, weights)
	kernel.ColSum(t.dCandidateBias[chunk*h:][:h], dCandidate)
	kernel.Gemm(d[m*h:], dCandidate, t.turnedC, nil, kernel.Product{M: n, N: reads, K: h, LDA: h, LDB: reads, LDC: ld})
	t.backPowers(e, d[reads:], h)
	t.backReset(e, gates, d[reads:], dGates, dState, scratch)

	weights.N, weights.LDB, weights.LDC = 2*h, 2*h, 2*h
	kernel.Gemm(t.dGates[chunk*reads*2*h:][:reads*2*h], rows, dGates, nil, weights)
	kernel.ColSum(t.dGatesBias[chunk*2*h:][:2*h], dGates)
	p := kernel.Product{M: n, N: m * h, K: 2 * h, LDA: 2 * h, LDB: reads, LDC: ld}
	kernel.Gemm(d, dGates, t.turnedG, nil, p)
	p.N, p.Add = m*t.x, true // what the candidate wants of P(x) is there already
	kernel.Gemm(d[m*h:], dGates, t.turnedG[m*h:], nil, p)
	t.backPowers(e, d, h)
	t.backPowers(e, d[m*h:], t.x)

	for i := range n {
		row := dState[i*h : (i+1)*h]
		kernel.Add(row, row, d[i*ld:][:h])
	}
	give(t.state, dState, e*n, n, h, t.addH)
	give(t.in, d[m*h:], e*n, n, ld, t.addX)
	if t.graphs.Grad != nil {
		t.backGraphs(e, d, rows, h, t.addS, scratch)
		t.backGraphs(e, d[reads:], rows[reads:], h, true, scratch)
		t.backGraphs(e, d[m*h:], rows[m*h:], t.x, true, scratch)
	}
}

// backMean goes through h' = z h + (1 - z) c: to the arguments of z's sigmoid and of c's tanh, and to h.
func (t *cellTask[T]) backMean(e int, gates, candidate, dGates, dCandidate, dState, scratch []T) {
	n, h := t.n, t.h
	state, g := t.state.Data[e*n*h:(e+1)*n*h], t.y.Grad[e*n*h:(e+1)*n*h]
	row := take(&scratch, h)
	clear(dGates)
	clear(dCandidate)
	for i := range n {
		at, to := i*h, (i+1)*h
		z := gates[2*at:][:h]
		kernel.Sub(row, state[at:to], candidate[at:to])
		kernel.Mul(row, row, g[at:to])
		kernel.SigmoidBack(dGates[2*at:][:h], z, row)
		kernel.Mul(dState[at:to], g[at:to], z)
		kernel.Sub(row, g[at:to], dState[at:to])
		kernel.TanhBack(dCandidate[at:to], candidate[at:to], row)
	}
}

// backReset goes through r h, whose derivative is the first block of d: to the argument of r's sigmoid and to h.
func (t *cellTask[T]) backReset(e int, gates, d, dGates, dState, scratch []T) {
	n, h, ld := t.n, t.h, t.stride()
	state, row := t.state.Data[e*n*h:(e+1)*n*h], take(&scratch, h)
	for i := range n {
		at, r := i*h, gates[(2*i+1)*h:][:h]
		from := d[i*ld:][:h]
		kernel.Mul(row, from, state[at:at+h])
		kernel.SigmoidBack(dGates[(2*i+1)*h:][:h], r, row)
		kernel.MulAdd(dState[at:at+h], from, r)
	}
}

// backPowers collects the derivatives of all blocks of c columns in the first.
func (t *cellTask[T]) backPowers(e int, d []T, c int) {
	p := kernel.Product{M: t.n, N: c, K: t.n, LDA: t.n, LDB: t.stride(), LDC: t.stride(), TransA: true, Add: true}
	for g := range 2 {
		s := t.matrix(t.graphs.Data, e, g)
		for k := t.depth; k > 0; k-- {
			kernel.Gemm(d[DynamicBlock(g, k-1, t.depth)*c:], s, d[DynamicBlock(g, k, t.depth)*c:], nil, p)
		}
	}
}

// backGraphs gives the matrices their derivatives Σ_k dP_k P_{k-1}ᵀ. The order of the blocks makes the sum one
// product for each matrix: powers d-1 to 0 of the first and 0 to d-1 of the second, transposed, share power 0.
func (t *cellTask[T]) backGraphs(e int, d, rows []T, c int, add bool, scratch []T) {
	n, ld, depth := t.n, t.stride(), t.depth
	turned := take(&scratch, n*(2*depth-1)*c)
	for i := range 2*depth - 1 {
		g, k := 0, depth-1-i
		if k < 0 {
			g, k = 1, -k
		}
		turnColumns(turned[i*c*n:(i+1)*c*n], rows[DynamicBlock(g, k, depth)*c:], n, c, ld)
	}
	p := kernel.Product{M: n, N: n, K: depth * c, LDA: ld, LDB: n, LDC: n, Add: add}
	kernel.Gemm(t.matrix(t.graphs.Grad, e, 0), d[c:], turned, nil, p)
	kernel.Gemm(t.matrix(t.graphs.Grad, e, 1), d[(depth+1)*c:], turned[(depth-1)*c*n:], nil, p)
}

// turnColumns writes the first cols columns of rows, stride elements apart, into dst [cols, rows].
func turnColumns[T Float](dst, src []T, rows, cols, stride int) {
	const side = 16 // of a square that stays in the first-level cache
	for i0 := 0; i0 < rows; i0 += side {
		for j0 := 0; j0 < cols; j0 += side {
			for j := j0; j < min(j0+side, cols); j++ {
				out := dst[j*rows+i0 : j*rows+min(i0+side, rows)]
				for i := range out {
					out[i] = src[(i0+i)*stride+j]
				}
			}
		}
	}
}
