package tensor

import "presage/model/tensor/kernel"

// GatedWeights are the two convolutions of GatedConvolve. Tap k of a kernel is rows [k·in, (k+1)·in) of
// its matrix.
type GatedWeights[T Float] struct {
	Filter, FilterBias *Var[T] // [taps·in, out], [out]
	Gate, GateBias     *Var[T] // the same
}

// GatedConvolve is a convolution over time whose output is let through by another one:
//
//	y[r] = tanh(Σ_k x[r + k·shift] Filter_k + FilterBias) ∘ σ(Σ_k x[r + k·shift] Gate_k + GateBias)
//
// x is [time × .., in] with time outermost, and shift the rows from one tap to the next: dilation times the
// rows of a moment. y is [.., out] without the (taps - 1)·shift rows at the end that lack a tap.
//
// It is one operation because the convolutions, both functions and their product would each go through
// memory: here a block of rows stays in the nearest cache.
func (t *Tape[T]) GatedConvolve(x *Var[T], w GatedWeights[T], shift int) *Var[T] {
	in, out := x.Cols(), w.Filter.Cols()
	taps := w.Filter.Rows() / max(in, 1)
	rows := x.Rows() - (taps-1)*shift
	if taps*in != w.Filter.Rows() || taps < 1 || w.Gate.Rows() != taps*in || w.Gate.Cols() != out ||
		len(w.FilterBias.Data) != out || len(w.GateBias.Data) != out || shift < 0 || rows < 0 {
		bug("gated convolution of shapes %v and %v, shift %d, over shape %v", w.Filter.Shape, w.Gate.Shape, shift, x.Shape)
	}
	y := t.result(t.matrix(rows, out), x.Grad != nil || w.Filter.Grad != nil)
	g := &t.extensions.gated.Take(1)[0]
	*g = gatedConvolution[T]{x: x, y: y, w: w, taps: taps, shift: shift, rows: rows, in: in, out: out}
	if y.Grad != nil {
		g.filter, g.gate = t.mem.Take(rows*out), t.mem.Take(rows*out)
	} else {
		g.scratch = t.mem.Take(t.lane.Workers() * 2 * blockRows * out)
	}
	g.per = t.rowsAPart(rows, 2*taps*in*out)
	t.lane.Run((rows+g.per-1)/g.per, g)
	return t.record(node[T]{op: opExtended, y: y, more: g})
}

// gatedConvolution is the operation and its task.
type gatedConvolution[T Float] struct {
	x, y                       *Var[T]
	w                          GatedWeights[T]
	taps, shift, rows, in, out int

	phase, per int
	scratch    []T // of each worker

	// In training: what tanh and σ gave, [rows, out]; after the first half of the way back, the
	// derivatives before them.
	filter, gate []T

	// The way back.
	weights, biases []T // of each chunk, filter then gate: [2, taps·in, out] and [2, out]
	turned          []T // weights transposed, [2, taps, out, in]
	add             bool
}

// The phases of a gatedConvolution.
const (
	gatedForward = iota
	gatedWeights // parts are chunks of rows of y
	gatedInputs  // parts are rows of x
)

// Part implements pool.Task.
func (g *gatedConvolution[T]) Part(i, worker int) {
	end := g.rows
	if g.phase == gatedInputs {
		end = g.x.Rows()
	}
	from, to := span(i, g.per, end)
	for ; from < to; from += blockRows {
		until := min(from+blockRows, to)
		switch g.phase {
		case gatedForward:
			g.forward(from, until, worker)
		case gatedWeights:
			g.backWeights(from, until, i, worker)
		default:
			g.backInputs(from, until)
		}
	}
}

func (g *gatedConvolution[T]) forward(from, to, worker int) {
	n := (to - from) * g.out
	var filter, gate []T
	if g.filter != nil {
		filter, gate = g.filter[from*g.out:to*g.out], g.gate[from*g.out:to*g.out]
	} else {
		s := g.scratch[worker*2*blockRows*g.out:][:2*n]
		filter, gate = s[:n], s[n:]
	}
	g.convolve(filter, g.w.Filter.Data, g.w.FilterBias.Data, from, to)
	kernel.Tanh(filter, filter)
	g.convolve(gate, g.w.Gate.Data, g.w.GateBias.Data, from, to)
	kernel.Sigmoid(gate, gate)
	kernel.Mul(g.y.Data[from*g.out:to*g.out], filter, gate)
}

// convolve is one of the convolutions for rows [from, to) of y.
func (g *gatedConvolution[T]) convolve(dst, w, bias []T, from, to int) {
	p := kernel.Product{M: to - from, N: g.out, K: g.in, LDA: g.in, LDB: g.out, LDC: g.out}
	for k := range g.taps {
		kernel.Gemm(dst, g.x.Data[(from+k*g.shift)*g.in:], w[k*g.in*g.out:(k+1)*g.in*g.out], bias, p)
		bias, p.Add = nil, true
	}
}

// back implements extended: first everything that y's rows say, then, from the derivatives before tanh and
// σ, x's rows, each of which several of y's rows have read.
func (g *gatedConvolution[T]) back(t *Tape[T], _ *node[T]) {
	size := g.taps * g.in * g.out
	parts, per := split(g.rows)
	g.phase, g.per = gatedWeights, per
	g.scratch = t.mem.Take(t.lane.Workers() * 3 * blockRows * g.out)
	g.weights, g.biases = t.zeros(parts*2*size), t.zeros(parts*2*g.out)
	t.lane.Run(parts, g)
	for i := range parts {
		w, b := g.weights[2*i*size:], g.biases[2*i*g.out:]
		accumulate(g.w.Filter, w[:size], 1)
		accumulate(g.w.Gate, w[size:2*size], 1)
		accumulate(g.w.FilterBias, b[:g.out], 1)
		accumulate(g.w.GateBias, b[g.out:2*g.out], 1)
	}
	if g.x.Grad == nil {
		return
	}
	g.turned = t.mem.Take(2 * size)
	for k := range g.taps {
		at := k * g.in * g.out
		kernel.Transpose(g.turned[at:], g.w.Filter.Data[at:], g.in, g.out)
		kernel.Transpose(g.turned[size+at:], g.w.Gate.Data[at:], g.in, g.out)
	}
	g.phase, g.add = gatedInputs, g.x.collect()
	rows := g.x.Rows()
	g.per = t.rowsAPart(rows, 2*size)
	t.lane.Run((rows+g.per-1)/g.per, g)
}

func (g *gatedConvolution[T]) backWeights(from, to, chunk, worker int) {
	n := (to - from) * g.out
	s := g.scratch[worker*3*blockRows*g.out:]
	toFilter, toGate, d := s[:n], s[n:2*n], s[2*n:3*n]
	dy, filter, gate := g.y.Grad[from*g.out:to*g.out], g.filter[from*g.out:to*g.out], g.gate[from*g.out:to*g.out]
	kernel.Mul(toFilter, dy, gate)
	kernel.Mul(toGate, dy, filter)
	clear(d)
	kernel.TanhBack(d, filter, toFilter)
	copy(filter, d)
	clear(d)
	kernel.SigmoidBack(d, gate, toGate)
	copy(gate, d)

	size := g.taps * g.in * g.out
	w, b := g.weights[2*chunk*size:][:2*size], g.biases[2*chunk*g.out:][:2*g.out]
	kernel.ColSum(b[:g.out], filter)
	kernel.ColSum(b[g.out:], gate)
	p := kernel.Product{M: g.in, N: g.out, K: to - from, LDA: g.in, LDB: g.out, LDC: g.out, TransA: true, Add: true}
	for k := range g.taps {
		x, at := g.x.Data[(from+k*g.shift)*g.in:], k*g.in*g.out
		kernel.Gemm(w[at:], x, filter, nil, p)
		kernel.Gemm(w[size+at:], x, gate, nil, p)
	}
}

func (g *gatedConvolution[T]) backInputs(from, to int) {
	if !g.add {
		clear(g.x.Grad[from*g.in : to*g.in])
	}
	size := g.taps * g.in * g.out
	for k := range g.taps {
		first, last := max(from-k*g.shift, 0), min(to-k*g.shift, g.rows) // of y that read these rows as tap k
		if first >= last {
			continue
		}
		dx, at := g.x.Grad[(first+k*g.shift)*g.in:], k*g.in*g.out
		p := kernel.Product{M: last - first, N: g.in, K: g.out, LDA: g.out, LDB: g.in, LDC: g.in, Add: true}
		kernel.Gemm(dx, g.filter[first*g.out:], g.turned[at:], nil, p)
		kernel.Gemm(dx, g.gate[first*g.out:], g.turned[size+at:], nil, p)
	}
}
