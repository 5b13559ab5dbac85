package astgcn

import (
	"math"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// network holds the weights: the cell's under T-GCN's shapes, and a linear layer from the last state.
type network[T tensor.Float] struct {
	across bool
	graph  *tensor.CSR[T] // normalised
	cell   tensor.GraphGRUWeights[T]
	head   *nn.Linear[T]
}

// newNetwork draws weights by Glorot and Bengio's rule; the gates' biases begin at one, so that a state lasts.
func newNetwork[T tensor.Float](cfg Config, graph *tensor.CSR[T], channels, outputs int, rng *rand.Rand) *network[T] {
	in, h := channels+cfg.Hidden, cfg.Hidden
	n := &network[T]{across: cfg.Across, graph: graph, cell: tensor.GraphGRUWeights[T]{
		Gates: glorot[T](in, 2*h, rng), GatesBias: tensor.NewParam[T](2 * h),
		Candidate: glorot[T](in, h, rng), CandidateBias: tensor.NewParam[T](h),
	}, head: nn.NewLinear[T](h, outputs, rng)}
	for i := range n.cell.GatesBias.Data {
		n.cell.GatesBias.Data[i] = 1
	}
	return n
}

func glorot[T tensor.Float](in, out int, rng *rand.Rand) *tensor.Var[T] {
	v := tensor.NewParam[T](in, out)
	limit := math.Sqrt(6 / float64(in+out))
	for i := range v.Data {
		v.Data[i] = T((2*rng.Float64() - 1) * limit)
	}
	return v
}

// forward maps windows [B × T × N, C] to the last states [B × N, H] and what the linear layer makes of them.
func (n *network[T]) forward(t *tensor.Tape[T], x *tensor.Var[T], steps int) (state, y *tensor.Var[T]) {
	state = t.GraphGRU(x, n.graph, steps, n.cell, n.across)
	return state, n.head.Forward(t, state)
}

// params are under the names of T-GCN's published code.
func (n *network[T]) params() []nn.Param[T] {
	const cell = "model.tgcn_cell."
	return append([]nn.Param[T]{
		{Name: cell + "graph_conv1.weights", Var: n.cell.Gates, Decay: 1}, {Name: cell + "graph_conv1.biases", Var: n.cell.GatesBias, Decay: 1},
		{Name: cell + "graph_conv2.weights", Var: n.cell.Candidate, Decay: 1}, {Name: cell + "graph_conv2.biases", Var: n.cell.CandidateBias, Decay: 1},
	}, n.head.Params("regressor")...)
}
