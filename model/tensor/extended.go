package tensor

import "presage/model/tensor/arena"

// extended is an operation that remembers more than a node has fields for. Either it is its own task for the lane, too, and
// lives in the tape's memory like everything else of a step; or it is a constant of a network, and what it needs
// of the step is in the node.
type extended[T Float] interface {
	// back adds the derivative of the operation to its inputs' gradients.
	back(t *Tape[T], n *node[T])
}

// extensions is the tape's memory for such operations.
type extensions[T Float] struct {
	gated       arena.Arena[gatedConvolution[T]]
	norms       arena.Arena[batchNorm[T]]
	diffusions  arena.Arena[diffusion[T]]
	transitions arena.Arena[Transition[T]]
	powers      arena.Arena[transitionPowers[T]]
	tails       arena.Arena[joinedTails[T]]
	graphGRUs   arena.Arena[graphGRU[T]]
}

func (e *extensions[T]) reset() {
	e.gated.Reset()
	e.norms.Reset()
	e.diffusions.Reset()
	e.transitions.Reset()
	e.powers.Reset()
	e.tails.Reset()
	e.graphGRUs.Reset()
}

// span is the part of n things that chunk number i of parts has, per things each.
func span(i, per, n int) (from, to int) { return min(i*per, n), min((i+1)*per, n) }
