package nn

import (
	"math/rand/v2"

	"presage/model/tensor"
)

// Residual is x + W2 dropout(relu(W1 x + b1)) + b2, all of one width.
type Residual[T tensor.Float] struct {
	In, Out *Linear[T]
	Dropout float64
}

// NewResidual makes a block of the given width.
func NewResidual[T tensor.Float](width int, dropout float64, rng *rand.Rand) *Residual[T] {
	return &Residual[T]{In: NewLinear[T](width, width, rng), Out: NewLinear[T](width, width, rng), Dropout: dropout}
}

// Forward keeps the shape of x. A nil rng switches dropout off.
func (r *Residual[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T], rng *rand.Rand) *tensor.Var[T] {
	h := t.Dropout(r.In.ForwardReLU(t, x), r.Dropout, rng)
	return t.Add(x, r.Out.Forward(t, h))
}

// Params lists both layers.
func (r *Residual[T]) Params(name string) []Param[T] {
	return append(r.In.Params(name+".in"), r.Out.Params(name+".out")...)
}
