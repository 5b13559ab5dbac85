package dgcrn

import (
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
	"presage/model/tensor/kernel"
)

// Sizes are those of the data.
type Sizes struct {
	Nodes   int // N
	Inputs  int // I, channels of a slice: the value, the time of day, others
	Outputs int // numbers a horizon; the middle one is fed back to the decoder
}

// Network is the encoder and decoder with their fixed graphs.
type Network[T tensor.Float] struct {
	cfg              Config
	sizes            Sizes
	embedding        [2]*nn.Embedding[T]
	encoder, decoder *stage[T]
	final            *nn.Linear[T]
	hops             *tensor.Hops[T]
	graph            *tensor.DynamicGraph[T]
}

// NewNetwork draws a network's weights as the original does. supports are the transition matrices [N, N] along the edges and against
// them, rows of which sum to one (adjacency.RandomWalk).
func NewNetwork[T tensor.Float](cfg Config, sizes Sizes, supports [2]*tensor.CSR[T], rng *rand.Rand) *Network[T] {
	n := &Network[T]{cfg: cfg, sizes: sizes}
	for i := range n.embedding {
		n.embedding[i] = nn.NewEmbedding[T](sizes.Nodes, cfg.Embedding, 1, 1, rng)
	}
	n.encoder = newStage(cfg, sizes.Inputs, "", n.embedding, rng)
	n.decoder = newStage(cfg, sizes.Inputs, "_de", n.embedding, rng)
	n.final = nn.NewLinear[T](cfg.Hidden, sizes.Outputs, rng)
	n.graph = &tensor.DynamicGraph[T]{Nodes: sizes.Nodes, Alpha: T(cfg.Steepness), Beta: T(cfg.Beta)}
	var turned [2]*tensor.CSR[T]
	for i, p := range supports {
		// Signals flow along the edges: node w receives what stands in column w. Hence the transpose.
		a := p.Transposed()
		turned[i] = &tensor.CSR[T]{Rows: a.Rows, Cols: a.Cols, RowPtr: a.RowPtr, Col: a.Col, Val: make([]T, len(a.Val))}
		kernel.Scale(turned[i].Val, a.Val, T(cfg.Gamma))
		n.graph.Static = append(n.graph.Static, dense(turned[i])...)
	}
	n.hops = tensor.NewHops(cfg.Depth, turned[0], turned[1])
	return n
}

// dense is the whole matrix; entries that are there twice are summed.
func dense[T tensor.Float](a *tensor.CSR[T]) []T {
	out := make([]T, a.Rows*a.Cols)
	for i := range a.Rows {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			out[i*a.Cols+int(a.Col[e])] += a.Val[e]
		}
	}
	return out
}

// Params lists all weights under the names of the original's state dict.
func (n *Network[T]) Params() []nn.Param[T] {
	out := append(n.embedding[0].Params("emb1"), n.embedding[1].Params("emb2")...)
	out = append(out, n.encoder.params()...)
	out = append(out, n.decoder.params()...)
	return append(out, n.final.Params("fc_final")...)
}

// Pass is what one pass reads, R = B × N rows each.
type Pass[T tensor.Float] struct {
	Inputs []*tensor.Var[T] // a slice each, [R, I]
	// Future is, for each horizon that is wanted, what the decoder reads beside its value, [R, I - 1].
	Future []*tensor.Var[T]
	// Teach gives the value [R, 1] that follows a horizon, given what the network put there. Nil: always that itself.
	Teach func(horizon int, own *tensor.Var[T]) *tensor.Var[T]
}

// Forward gives [R, len(Future) × Outputs].
func (n *Network[T]) Forward(t *tensor.Tape[T], p Pass[T]) *tensor.Var[T] {
	rows := p.Future[0].Rows()
	zeros := t.Buffer(rows * n.cfg.Hidden)
	clear(zeros)
	state := t.Const(zeros, rows, n.cfg.Hidden)
	w := n.encoder.lay(t)
	for _, x := range p.Inputs {
		state = n.step(t, &w, state, x)
	}
	w = n.decoder.lay(t)
	value := t.Const(zeros[:rows], rows, 1)
	outs := make([]*tensor.Var[T], len(p.Future))
	for i, future := range p.Future {
		state = n.step(t, &w, state, t.Concat(value, future))
		outs[i] = n.final.Forward(t, state)
		if i+1 == len(outs) {
			break
		}
		value = outs[i]
		if q := n.sizes.Outputs; q > 1 {
			value = t.SliceCols(value, q/2, q/2+1)
		}
		if p.Teach != nil {
			value = p.Teach(i, value)
		}
	}
	return t.Concat(outs...)
}

// step takes the state [R, H] past one input [R, I].
func (n *Network[T]) step(t *tensor.Tape[T], w *laid[T], state, x *tensor.Var[T]) *tensor.Var[T] {
	return t.DynamicGRU(state, x, n.graphs(t, w, state, x), n.cfg.Depth, w.gru)
}

// graphs makes the matrices [B, 2, N, N] of a step.
func (n *Network[T]) graphs(t *tensor.Tape[T], w *laid[T], state, x *tensor.Var[T]) *tensor.Var[T] {
	hidden := t.HopSigmoid(n.hops, state, x, w.hopW, w.hopB)
	middle := t.Sigmoid(t.Linear(hidden, w.middleW, w.middleB, false))
	return t.DynamicGraph(n.graph, t.Linear(middle, w.filterW, w.filterB, false), w.embedding)
}
