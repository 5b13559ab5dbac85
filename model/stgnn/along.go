package stgnn

import (
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// series says where the inputs that belong to a slice lie in a row: neighbours slice by slice, then own
// channels and the mask of the target, each along all slices.
type series struct{ steps, neighbours, own int }

// along is a recurrence over the slices of a window, in place of reading all of them at once.
type along[T tensor.Float] struct {
	series
	gru   *nn.GRU[T]
	index [][]int32
}

func newAlong[T tensor.Float](s series, width int, rng *rand.Rand) *along[T] {
	return &along[T]{series: s, gru: nn.NewGRU[T](s.neighbours+s.own+1, width, rng), index: make([][]int32, s.steps)}
}

// forward gives the last states [R, width] for rows x [R, inputs].
func (a *along[T]) forward(t *tensor.Tape[T], x []T, rows int) *tensor.Var[T] {
	c, width := a.neighbours+a.own+1, len(x)/max(rows, 1)
	in := t.Buffer(rows * a.steps * c)
	for k := range a.index {
		a.index[k] = a.index[k][:0]
		for r := range rows {
			from, to := x[r*width:(r+1)*width], in[(r*a.steps+k)*c:][:c]
			copy(to, from[k*a.neighbours:(k+1)*a.neighbours])
			for j := range a.own + 1 { // the mask follows the last channel
				to[a.neighbours+j] = from[a.steps*a.neighbours+j*a.steps+k]
			}
			a.index[k] = append(a.index[k], int32(r*a.steps+k))
		}
	}
	return a.gru.Forward(t, t.Const(in, rows*a.steps, c), a.index)
}
