package nn

import (
	"math/rand/v2"

	"presage/model/tensor"
)

// MLP is W2 relu(W1 x + b1) + b2.
type MLP[T tensor.Float] struct {
	First, Second *Linear[T]
}

// NewMLP makes a perceptron with one hidden layer.
func NewMLP[T tensor.Float](in, hidden, out int, rng *rand.Rand) *MLP[T] {
	return &MLP[T]{First: NewLinear[T](in, hidden, rng), Second: NewLinear[T](hidden, out, rng)}
}

// Forward maps [.., in] to [.., out].
func (m *MLP[T]) Forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	return m.Second.Forward(t, m.First.ForwardReLU(t, x))
}

// Params lists both layers, named as fc1 and fc2 under name.
func (m *MLP[T]) Params(name string) []Param[T] {
	return append(m.First.Params(name+"fc1"), m.Second.Params(name+"fc2")...)
}
