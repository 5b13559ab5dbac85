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

// Forward maps [s.Cols, in] to [s.Rows, out].
func (g *GCN[T]) Forward(t *tensor.Tape[T], s *tensor.CSR[T], x *tensor.Var[T]) *tensor.Var[T] {
	return t.ReLU(t.MatMul(t.SpMM(s, x), g.W))
}

// Params lists the weights.
func (g *GCN[T]) Params(name string) []Param[T] { return []Param[T]{{name, g.W, 1}} }
