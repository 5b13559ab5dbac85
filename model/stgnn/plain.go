package stgnn

import (
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// plain is the paper's network: two graph convolutions (eq. 1), a GRU along time (eq. 2) and
// an MLP (eq. 3).
type plain[T tensor.Float] struct {
	first, second *nn.GCN[T]
	gru           *nn.GRU[T]
	head          *nn.MLP[T]
}

func newPlain[T tensor.Float](inputs, hidden, outputs int, rng *rand.Rand) *plain[T] {
	return &plain[T]{
		first: nn.NewGCN[T](inputs, hidden, rng), second: nn.NewGCN[T](hidden, hidden, rng),
		gru:  nn.NewGRU[T](hidden, hidden, rng),
		head: nn.NewMLP[T](hidden, hidden, outputs, rng),
	}
}

// convolve maps the rows of one or more slices; graphs are their normalised adjacencies.
func (p *plain[T]) convolve(t *tensor.Tape[T], x *tensor.Var[T], graphs []*tensor.CSR[T]) *tensor.Var[T] {
	if t.Inference() && len(graphs) >= t.Workers() {
		return t.Convolve(x, p.first.W, p.second.W, graphs...)
	}
	return p.second.Forward(t, p.first.Forward(t, x, graphs...), graphs...)
}

// remember runs the GRU over convolved slices. rows[k] are the rows of conv that hold step k
// of each sequence, -1 where a service was not there (zeros then).
func (p *plain[T]) remember(t *tensor.Tape[T], conv *tensor.Var[T], rows [][]int32) *tensor.Var[T] {
	return p.gru.Forward(t, conv, rows)
}

// params lists everything trained, by the names of the parity fixtures.
func (p *plain[T]) params() []nn.Param[T] {
	out := append(p.first.Params("w1"), p.second.Params("w2")...)
	out = append(out, p.gru.Params("gru")...)
	return append(out, p.head.Params("")...)
}
