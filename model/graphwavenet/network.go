package graphwavenet

import (
	"fmt"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// order is how many powers of each transition matrix a diffusion has.
const order = 2

// Sizes are what a network is built for.
type Sizes struct {
	Nodes, Channels int // N, and the channels of the input
	Outputs         int // of a node
}

// Network is Graph WaveNet for a fixed set of nodes.
type Network[T tensor.Float] struct {
	c           Config
	nodes       int
	transitions []tensor.Transition[T] // given ones
	source      *tensor.Var[T]         // [N, embedding]; nil without a learned adjacency
	target      *tensor.Var[T]         // [embedding, N]

	start, wide, last *nn.Linear[T]
	layers            []*layer[T]
	skip              *tensor.Var[T] // the layers' weights one below the other, [layers × dilation, skip]
}

// NewNetwork draws weights: layers as PyTorch does by default, embeddings from a normal distribution. Each
// transition must hold powers up to the second, as DoubleTransition's do.
func NewNetwork[T tensor.Float](s Sizes, c Config, transitions []tensor.Transition[T], rng *rand.Rand) *Network[T] {
	c = c.withDefaults()
	n := &Network[T]{c: c, nodes: s.Nodes, transitions: transitions}
	supports := len(transitions)
	if c.Embedding > 0 {
		supports++
		n.source, n.target = tensor.NewParam[T](s.Nodes, c.Embedding), tensor.NewParam[T](c.Embedding, s.Nodes)
		for _, v := range [][]T{n.source.Data, n.target.Data} {
			for i := range v {
				v[i] = T(rng.NormFloat64())
			}
		}
	}
	n.start = nn.NewLinear[T](s.Channels, c.Residual, rng)
	n.skip = tensor.NewParam[T](c.Blocks*c.Layers*c.Dilation, c.Skip)
	for i := range c.Blocks * c.Layers {
		l := newLayer[T](c, 1<<(i%c.Layers), supports, rng)
		l.skip.W = rowsOf(n.skip, i*c.Dilation, l.skip.W)
		n.layers = append(n.layers, l)
	}
	n.wide = nn.NewLinear[T](c.Skip, c.End, rng)
	n.last = nn.NewLinear[T](c.End, s.Outputs, rng)
	return n
}

// rowsOf puts v into the rows of a parameter from a row on, and gives those rows as a parameter.
func rowsOf[T tensor.Float](of *tensor.Var[T], row int, v *tensor.Var[T]) *tensor.Var[T] {
	from, to := row*of.Cols(), (row+v.Rows())*of.Cols()
	copy(of.Data[from:to], v.Data)
	return &tensor.Var[T]{Shape: v.Shape, Data: of.Data[from:to:to], Grad: of.Grad[from:to:to]}
}

// Params lists everything trained, by the names of the original's state dict.
func (n *Network[T]) Params() []nn.Param[T] {
	out := n.start.Params("start_conv")
	if n.source != nil {
		out = append(out, nn.Param[T]{Name: "nodevec1", Var: n.source, Decay: 1}, nn.Param[T]{Name: "nodevec2", Var: n.target, Decay: 1})
	}
	for i, l := range n.layers {
		out = append(out, l.params(i, i < len(n.layers)-1)...)
	}
	return append(append(out, n.wide.Params("end_conv_1")...), n.last.Params("end_conv_2")...)
}

// Buffers are the running statistics of the batch norms, by the names of the original's state dict.
func (n *Network[T]) Buffers() map[string][]T {
	out := make(map[string][]T, 2*len(n.layers))
	for i, l := range n.layers {
		out[fmt.Sprintf("bn.%d.running_mean", i)] = l.norm.Mean
		out[fmt.Sprintf("bn.%d.running_var", i)] = l.norm.Var
	}
	return out
}

// Adjacency is the learned transition matrix and its square, one below the other [2N, N]; nil without one.
func (n *Network[T]) Adjacency(t *tensor.Tape[T]) *tensor.Var[T] {
	if n.source == nil {
		return nil
	}
	return t.TransitionPowers(t.MatMul(n.source, n.target), order)
}

// Forward maps x [time × batch × node, channel], time outermost and at least Config.Receptive moments, to
// [(time - Receptive + 1) × batch × node, outputs]. In training batch norms go by the batch and move their
// running statistics; a nil rng means no dropout.
func (n *Network[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T], batch int, training bool, rng *rand.Rand) *tensor.Var[T] {
	moment := batch * n.nodes
	var room [4]tensor.Transition[T]
	supports := append(room[:0], n.transitions...)
	if learned := n.Adjacency(t); learned != nil {
		supports = append(supports, tensor.Transition[T]{Dense: learned})
	}
	var tailRoom [16]*tensor.Var[T]
	tails := tailRoom[:0]
	var bias *tensor.Var[T]
	h := n.start.Forward(t, x)
	for i, l := range n.layers {
		g := t.GatedConvolve(h, l.gated(), l.dilation*moment)
		tails = append(tails, g)
		if bias == nil {
			bias = l.skip.B
		} else {
			bias = t.Add(bias, l.skip.B)
		}
		if i == len(n.layers)-1 && !training {
			break
		}
		h = t.BatchNorm(t.Diffuse(g, l.diffusion.W, l.diffusion.B, tensor.Diffusion[T]{
			Nodes: n.nodes, Residual: h, Dropout: n.c.Dropout, Rng: rng,
		}, supports...), l.norm, training)
	}
	skip := t.JoinTails(tails[len(tails)-1].Rows(), tails...)
	return n.last.Forward(t, n.wide.ForwardReLU(t, t.Linear(skip, n.skip, bias, true)))
}
