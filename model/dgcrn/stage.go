package dgcrn

import (
	"fmt"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// perceptron is one hyper-network after its diffusion: three layers.
type perceptron[T tensor.Float] struct {
	name  string
	layer [3]*nn.Linear[T]
}

// stage is the encoder or the decoder: its parameters, and how they are laid out for the tape's operations.
type stage[T tensor.Float] struct {
	cfg    Config
	inputs int
	// By filter (1 and 2) and fixed graph (forward, backward).
	hyper [2][2]perceptron[T]
	// By gate (z, r, candidate) and direction.
	gates  [3][2]*nn.Linear[T]
	suffix string

	hopW, hopB, middleW, middleB, filterW, filterB        tensor.Layout[T]
	gatesW, gatesB, candidateW, candidateB, nodeEmbedding tensor.Layout[T]
}

// newStage draws a stage's weights. The embeddings are shared by both stages.
func newStage[T tensor.Float](cfg Config, inputs int, suffix string, emb [2]*nn.Embedding[T], rng *rand.Rand) *stage[T] {
	s := &stage[T]{cfg: cfg, inputs: inputs, suffix: suffix}
	read := (cfg.Depth + 1) * (inputs + cfg.Hidden)
	for filter := range s.hyper {
		for graph := range s.hyper[filter] {
			name := fmt.Sprintf("GCN%d_tg%s", filter+1, suffix)
			if graph == 1 {
				name += "_1"
			}
			s.hyper[filter][graph] = perceptron[T]{name, [3]*nn.Linear[T]{nn.NewLinear[T](read, cfg.Hyper, rng),
				nn.NewLinear[T](cfg.Hyper, cfg.Middle, rng), nn.NewLinear[T](cfg.Middle, cfg.Embedding, rng)}}
		}
	}
	for gate := range s.gates {
		for direction := range s.gates[gate] {
			s.gates[gate][direction] = nn.NewLinear[T](read, cfg.Hidden, rng)
		}
	}
	s.layHyper()
	s.layGates()
	s.nodeEmbedding = tensor.Layout[T]{Rows: emb[0].Table.Rows(), Cols: 2 * cfg.Embedding}
	for i, e := range emb {
		place(&s.nodeEmbedding, e.Table, 0, i*cfg.Embedding, 1)
	}
	return s
}

// params lists the stage's weights under the original's names.
func (s *stage[T]) params() []nn.Param[T] {
	var out []nn.Param[T]
	for _, graphs := range s.hyper {
		for _, p := range graphs {
			for i, l := range p.layer {
				out = append(out, l.Params(fmt.Sprintf("%s.mlp.fc%d", p.name, i+1))...)
			}
		}
	}
	for gate, letter := range [...]string{"z", "r", "c"} {
		for direction, l := range s.gates[gate] {
			out = append(out, l.Params(fmt.Sprintf("g%s%d%s.mlp", letter, direction+1, s.suffix))...)
		}
	}
	return out
}

// place puts all of an array into a layout.
func place[T tensor.Float](l *tensor.Layout[T], from *tensor.Var[T], row, col int, scale T) {
	l.Blocks = append(l.Blocks, tensor.Block[T]{From: from, Rows: from.Rows(), ToRow: row, ToCol: col, Scale: scale})
}

// powers puts the weights w of [h_0 | .. | h_depth], h_k = α v + S h_{k-1} for the concatenation v of input and state, into a
// layout as weights of [v | S v | .. | S^depth v]: that of power k is W_k + α (W_{k+1} + .. + W_depth). The rows of the
// input and of the state begin where the functions say for each power.
func (s *stage[T]) powers(l *tensor.Layout[T], w *tensor.Var[T], col int, input, state func(k int) int) {
	width := s.inputs + s.cfg.Hidden
	for k := 0; k <= s.cfg.Depth; k++ {
		for j := k; j <= s.cfg.Depth; j++ {
			scale := T(1)
			if j > k {
				scale = T(s.cfg.Alpha)
			}
			l.Blocks = append(l.Blocks,
				tensor.Block[T]{From: w, Row: j * width, Rows: s.inputs, ToRow: input(k), ToCol: col, Scale: scale},
				tensor.Block[T]{From: w, Row: j*width + s.inputs, Rows: s.cfg.Hidden, ToRow: state(k), ToCol: col, Scale: scale})
		}
	}
}

// layHyper lays the four hyper-networks side by side: graph by graph, in each the first filter's and the second's.
func (s *stage[T]) layHyper() {
	c := s.cfg
	read := s.inputs + c.Hidden
	s.hopW = tensor.Layout[T]{Rows: 2 * (c.Depth + 1) * read, Cols: 2 * c.Hyper}
	s.hopB = tensor.Layout[T]{Rows: 1, Cols: 4 * c.Hyper}
	s.middleW = tensor.Layout[T]{Rows: 4 * c.Hyper, Cols: 4 * c.Middle}
	s.middleB = tensor.Layout[T]{Rows: 1, Cols: 4 * c.Middle}
	s.filterW = tensor.Layout[T]{Rows: 4 * c.Middle, Cols: 2 * c.Embedding}
	s.filterB = tensor.Layout[T]{Rows: 1, Cols: 2 * c.Embedding}
	for graph := range 2 {
		first := func(k int) int { return (graph*(c.Depth+1) + k) * read }
		for filter := range 2 {
			layer, at := s.hyper[filter][graph].layer, 2*graph+filter
			s.powers(&s.hopW, layer[0].W, filter*c.Hyper, func(k int) int { return first(k) + c.Hidden }, first)
			place(&s.hopB, layer[0].B, 0, at*c.Hyper, 1)
			place(&s.middleW, layer[1].W, at*c.Hyper, at*c.Middle, 1)
			place(&s.middleB, layer[1].B, 0, at*c.Middle, 1)
			// A filter is the sum over both graphs.
			place(&s.filterW, layer[2].W, at*c.Middle, filter*c.Embedding, 1)
			place(&s.filterB, layer[2].B, 0, filter*c.Embedding, 1)
		}
	}
}

// layGates lays the weights of both directions as DynamicGRU reads them.
func (s *stage[T]) layGates() {
	c, blocks := s.cfg, 2*s.cfg.Depth+1
	s.gatesW = tensor.Layout[T]{Rows: blocks * (s.inputs + c.Hidden), Cols: 2 * c.Hidden}
	s.gatesB = tensor.Layout[T]{Rows: 1, Cols: 2 * c.Hidden}
	s.candidateW = tensor.Layout[T]{Rows: blocks * (s.inputs + c.Hidden), Cols: c.Hidden}
	s.candidateB = tensor.Layout[T]{Rows: 1, Cols: c.Hidden}
	for direction := range 2 {
		block := func(first, width int) func(k int) int {
			return func(k int) int { return first + width*tensor.DynamicBlock(direction, k, c.Depth) }
		}
		for gate := range 2 {
			l := s.gates[gate][direction]
			s.powers(&s.gatesW, l.W, gate*c.Hidden, block(blocks*c.Hidden, s.inputs), block(0, c.Hidden))
			place(&s.gatesB, l.B, 0, gate*c.Hidden, 1)
		}
		l := s.gates[2][direction]
		s.powers(&s.candidateW, l.W, 0, block(0, s.inputs), block(blocks*s.inputs, c.Hidden))
		place(&s.candidateB, l.B, 0, 0, 1)
	}
}

// laid are a stage's weights as matrices of one pass.
type laid[T tensor.Float] struct {
	hopW, hopB, middleW, middleB, filterW, filterB, embedding *tensor.Var[T]
	gru                                                       tensor.DynamicGRUWeights[T]
}

func (s *stage[T]) lay(t *tensor.Tape[T]) laid[T] {
	return laid[T]{
		hopW: t.Assemble(&s.hopW), hopB: t.Assemble(&s.hopB), middleW: t.Assemble(&s.middleW), middleB: t.Assemble(&s.middleB),
		filterW: t.Assemble(&s.filterW), filterB: t.Assemble(&s.filterB), embedding: t.Assemble(&s.nodeEmbedding),
		gru: tensor.DynamicGRUWeights[T]{Gates: t.Assemble(&s.gatesW), GatesBias: t.Assemble(&s.gatesB),
			Candidate: t.Assemble(&s.candidateW), CandidateBias: t.Assemble(&s.candidateB)},
	}
}
