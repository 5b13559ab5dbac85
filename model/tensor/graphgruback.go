package tensor

import "presage/model/tensor/kernel"

// back implements extended.
func (g *graphGRU[T]) back(t *Tape[T], _ *node[T]) {
	parts := min(chunks, g.windows)
	g.returning, g.per = true, (g.windows+parts-1)/parts
	gates, candidate := len(g.w.Gates.Data), len(g.w.Candidate.Data)
	g.turnedGates, g.turnedC = t.mem.Take(gates), t.mem.Take(candidate)
	kernel.Transpose(g.turnedGates, g.w.Gates.Data, g.c+g.h, 2*g.h)
	kernel.Transpose(g.turnedC, g.w.Candidate.Data, g.c+g.h, g.h)
	g.dGates, g.dGatesBias = t.zeros(parts*gates), t.zeros(parts*2*g.h)
	g.dC, g.dCBias = t.zeros(parts*candidate), t.zeros(parts*g.h)
	if g.dense == nil {
		g.graph.Transposed() // made here, not by several workers at a time
	}
	if g.x.Grad != nil {
		g.addX = g.x.collect()
	}
	g.room = g.n * (2*g.c + 8*g.h)
	g.scratch = t.mem.Take(t.lane.Workers() * g.room)
	t.lane.Run(parts, g)
	gatherChunks(g.w.Gates, g.dGates, parts)
	gatherChunks(g.w.GatesBias, g.dGatesBias, parts)
	gatherChunks(g.w.Candidate, g.dC, parts)
	gatherChunks(g.w.CandidateBias, g.dCBias, parts)
}

// backward takes a window back through all steps. What the graph mixed on the way there is mixed again: that takes
// less time than to write and read it.
func (g *graphGRU[T]) backward(chunk, window int, scratch []T) {
	size := g.n * g.h
	in, dIn := take(&scratch, g.n*g.c), take(&scratch, g.n*g.c)
	dh, next := take(&scratch, size), take(&scratch, size)
	dGates, dCandidate := take(&scratch, 2*size), take(&scratch, size)
	tmp, mixed, product := take(&scratch, size), take(&scratch, size), take(&scratch, size)
	copy(dh, g.y.Grad[window*size:(window+1)*size])
	for k := g.steps - 1; k >= 0; k-- {
		now := g.kept(window, k)
		r, u, c := now.gates[:size], now.gates[size:], now.candidate
		g.mix(in, g.input(window, k), g.c, false, false)
		kernel.Mul(next, dh, u)
		kernel.Sub(tmp, dh, next)
		clear(dCandidate)
		kernel.TanhBack(dCandidate, c, tmp)
		clear(dGates)
		if k == 0 { // the state before it is zero, and nobody's
			kernel.Mul(tmp, c, dh)
			kernel.Scale(tmp, tmp, -1)
			kernel.SigmoidBack(dGates[size:], u, tmp)
		} else {
			h := g.kept(window, k-1).state
			kernel.Sub(tmp, h, c)
			kernel.Mul(tmp, tmp, dh)
			kernel.SigmoidBack(dGates[size:], u, tmp)

			g.throughCandidate(product, dCandidate)
			g.mix(mixed, product, g.h, true, false)
			kernel.MulAdd(next, mixed, r)
			kernel.Mul(tmp, mixed, h)
			kernel.SigmoidBack(dGates[:size], r, tmp)

			kernel.Mul(tmp, r, h)
			g.mix(mixed, tmp, g.h, false, false)
			g.learnCandidate(chunk, mixed, dCandidate, g.c, g.h)
			g.mix(mixed, h, g.h, false, false)
			g.learnGates(chunk, mixed, dGates, g.c, g.h)
			g.throughGates(product, dGates, g.c, g.h, false)
			g.mix(next, product, g.h, true, true)
		}
		g.learnGates(chunk, in, dGates, 0, g.c)
		g.learnCandidate(chunk, in, dCandidate, 0, g.c)
		g.learnBiases(chunk, dGates, dCandidate)
		if g.x.Grad != nil {
			g.throughInput(dIn, dGates, dCandidate)
			g.mix(g.x.Grad[(window*g.steps+k)*g.n*g.c:][:g.n*g.c], dIn, g.c, true, g.addX)
		}
		dh, next = next, dh
	}
}

// throughCandidate goes back through the hidden rows of the candidate's weights.
func (g *graphGRU[T]) throughCandidate(out, dCandidate []T) {
	kernel.Gemm(out, dCandidate, g.turnedC[g.c:], nil, kernel.Product{M: g.n, N: g.h, K: g.h, LDA: g.h, LDB: g.c + g.h, LDC: g.h})
}

// throughGates goes back through rows [from, from + depth) of the gates' weights.
func (g *graphGRU[T]) throughGates(out, dGates []T, from, depth int, add bool) {
	p := kernel.Product{M: g.n, N: depth, K: g.h, LDA: g.h, LDB: g.c + g.h, LDC: depth, Add: add}
	w := g.turnedGates[from:]
	if g.across {
		p.K, p.LDA = 2*g.h, 2*g.h
		kernel.Gemm(out, dGates, w, nil, p)
		return
	}
	size := g.n * g.h
	kernel.Gemm(out, dGates[:size], w, nil, p)
	p.Add = true
	kernel.Gemm(out, dGates[size:], w[g.h*(g.c+g.h):], nil, p)
}

// throughInput goes back to a step's mixed input.
func (g *graphGRU[T]) throughInput(out, dGates, dCandidate []T) {
	g.throughGates(out, dGates, 0, g.c, false)
	kernel.Gemm(out, dCandidate, g.turnedC, nil, kernel.Product{M: g.n, N: g.c, K: g.h, LDA: g.h, LDB: g.c + g.h, LDC: g.c, Add: true})
}

// learnGates adds aᵀ dGates to the chunk's derivative of rows [from, from + depth) of the gates' weights.
func (g *graphGRU[T]) learnGates(chunk int, a, dGates []T, from, depth int) {
	p := kernel.Product{M: depth, N: g.h, K: g.n, LDA: depth, LDB: g.h, LDC: 2 * g.h, TransA: true, Add: true}
	out := g.dGates[chunk*len(g.w.Gates.Data):][:len(g.w.Gates.Data)][from*2*g.h:]
	if g.across {
		p.N, p.LDB = 2*g.h, 2*g.h
		kernel.Gemm(out, a, dGates, nil, p)
		return
	}
	size := g.n * g.h
	kernel.Gemm(out, a, dGates[:size], nil, p)
	kernel.Gemm(out[g.h:], a, dGates[size:], nil, p)
}

// learnCandidate is learnGates for the candidate.
func (g *graphGRU[T]) learnCandidate(chunk int, a, dCandidate []T, from, depth int) {
	out := g.dC[chunk*len(g.w.Candidate.Data):][:len(g.w.Candidate.Data)][from*g.h:]
	kernel.Gemm(out, a, dCandidate, nil, kernel.Product{M: depth, N: g.h, K: g.n, LDA: depth, LDB: g.h, LDC: g.h, TransA: true, Add: true})
}

func (g *graphGRU[T]) learnBiases(chunk int, dGates, dCandidate []T) {
	gates, size := g.dGatesBias[chunk*2*g.h:(chunk+1)*2*g.h], g.n*g.h
	if g.across {
		kernel.ColSum(gates, dGates)
	} else {
		kernel.ColSum(gates[:g.h], dGates[:size])
		kernel.ColSum(gates[g.h:], dGates[size:])
	}
	kernel.ColSum(g.dCBias[chunk*g.h:(chunk+1)*g.h], dCandidate)
}
