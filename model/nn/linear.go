package nn

import (
	"math/rand/v2"

	"presage/model/tensor"
)

// Linear is x W + b. W is [in, out], the transpose of PyTorch's layout, because that
// product computes each row the same way whatever the number of rows.
type Linear[T tensor.Float] struct {
	W, B *tensor.Var[T]
}

// NewLinear draws weights and bias as PyTorch does.
func NewLinear[T tensor.Float](in, out int, rng *rand.Rand) *Linear[T] {
	l := &Linear[T]{W: tensor.NewParam[T](in, out), B: tensor.NewParam[T](out)}
	uniform(rng, l.W.Data, kaiming(in))
	uniform(rng, l.B.Data, kaiming(in))
	return l
}

// Forward maps [.., in] to [.., out].
func (l *Linear[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	return t.Linear(x, l.W, l.B, false)
}

// ForwardReLU is Forward followed by max(·, 0), in one pass.
func (l *Linear[T]) ForwardReLU(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	return t.Linear(x, l.W, l.B, true)
}

// Params lists weight and bias.
func (l *Linear[T]) Params(name string) []Param[T] {
	return []Param[T]{{name + ".weight", l.W, 1}, {name + ".bias", l.B, 1}}
}
