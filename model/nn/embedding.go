package nn

import (
	"math/rand/v2"

	"presage/model/tensor"
)

// Embedding is a trained vector for each of a number of things; index -1 means "none
// known" and gives zeros.
type Embedding[T tensor.Float] struct {
	Table *tensor.Var[T] // [things, width]
	decay float64
}

// NewEmbedding draws vectors with the given deviation (zero: all start at zero, and what
// is never seen in training stays there). decay multiplies the weight decay.
func NewEmbedding[T tensor.Float](things, width int, deviation, decay float64, rng *rand.Rand) *Embedding[T] {
	e := &Embedding[T]{Table: tensor.NewParam[T](things, width), decay: decay}
	for i := range e.Table.Data {
		e.Table.Data[i] = T(deviation * rng.NormFloat64())
	}
	return e
}

// Forward gives one row an index.
func (e *Embedding[T]) Forward(t *tensor.Tape[T], index []int32) *tensor.Var[T] {
	return t.Gather(e.Table, index)
}

// Params lists the table.
func (e *Embedding[T]) Params(name string) []Param[T] {
	return []Param[T]{{name + ".weight", e.Table, e.decay}}
}
