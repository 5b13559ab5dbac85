package nn

import (
	"math/rand/v2"

	"presage/model/tensor"
)

// GRU is one gated recurrent layer in PyTorch's layout and order of gates (r, z, n).
type GRU[T tensor.Float] struct {
	WIn, WHidden *tensor.Var[T] // [3 hidden, in], [3 hidden, hidden]
	BIn, BHidden *tensor.Var[T] // [3 hidden]
}

// NewGRU draws weights and biases as PyTorch does.
func NewGRU[T tensor.Float](in, hidden int, rng *rand.Rand) *GRU[T] {
	g := &GRU[T]{
		WIn: tensor.NewParam[T](3*hidden, in), WHidden: tensor.NewParam[T](3*hidden, hidden),
		BIn: tensor.NewParam[T](3 * hidden), BHidden: tensor.NewParam[T](3 * hidden),
	}
	for _, v := range []*tensor.Var[T]{g.WIn, g.WHidden, g.BIn, g.BHidden} {
		uniform(rng, v.Data, kaiming(hidden))
	}
	return g
}

// Forward runs the layer from a state of zeros over sequences, whose step k is row index[k][j] of x
// [.., in] or zeros where that is -1, and returns their last states [R, hidden].
func (g *GRU[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T], index [][]int32) *tensor.Var[T] {
	return t.GRU(x, index, tensor.GRUWeights[T]{In: g.WIn, Hidden: g.WHidden, BiasIn: g.BIn, BiasHidden: g.BHidden})
}

// Params lists the four arrays under PyTorch's names.
func (g *GRU[T]) Params(name string) []Param[T] {
	return []Param[T]{
		{name + ".weight_ih_l0", g.WIn, 1}, {name + ".weight_hh_l0", g.WHidden, 1},
		{name + ".bias_ih_l0", g.BIn, 1}, {name + ".bias_hh_l0", g.BHidden, 1},
	}
}
