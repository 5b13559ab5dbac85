package nn

import (
	"math"
	"math/rand/v2"

	"presage/model/tensor"
)

// GCN is relu(S x W) without a bias, S being a normalised adjacency (Kipf and Welling
// 2017; eq. 1 of the paper).
type GCN[T tensor.Float] struct {
	W *tensor.Var[T] // [in, out]
}

// NewGCN draws weights by Glorot and Bengio's rule.
func NewGCN[T tensor.Float](in, out int, rng *rand.Rand) *GCN[T] {
	g := &GCN[T]{W: tensor.NewParam[T](in, out)}
	uniform(rng, g.W.Data, math.Sqrt(6/float64(in+out)))
	return g
}

// Forward maps the rows of one or more slices, [N, in] each, to [N, out]; graphs are the slices'
// normalised adjacencies. The graph comes before the weights: that way round the first layer mixes as many
// channels as there are inputs, not as there are outputs.
func (g *GCN[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T], graphs ...*tensor.CSR[T]) *tensor.Var[T] {
	return t.Linear(t.SpMM(x, graphs...), g.W, nil, true)
}

// Params lists the weights.
func (g *GCN[T]) Params(name string) []Param[T] { return []Param[T]{{name, g.W, 1}} }
