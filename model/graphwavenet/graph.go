package graphwavenet

import (
	"presage/model/nn/adjacency"
	"presage/model/tensor"
)

// sparseBelow is the share of non-zeros below which the sparse product is the faster one.
const sparseBelow = 0.2

// DoubleTransition gives the transition matrices D⁻¹A along the edges of a weighted adjacency A [N, N]
// and D⁻¹Aᵀ against them: the publication's "double transition".
func DoubleTransition[T tensor.Float](a *tensor.CSR[T]) []tensor.Transition[T] {
	return []tensor.Transition[T]{
		transition(adjacency.RandomWalk(a)),
		transition(adjacency.RandomWalk(a.Transposed())),
	}
}

// transition is P in the form that is faster to multiply with.
func transition[T tensor.Float](p *tensor.CSR[T]) tensor.Transition[T] {
	if float64(len(p.Val)) < sparseBelow*float64(p.Rows*p.Cols) {
		p.Transposed() // made now: networks may be used side by side
		return tensor.Transition[T]{Sparse: p}
	}
	return tensor.Transition[T]{Dense: denseTransition(p)}
}

// denseTransition is P and its powers, one below the other.
func denseTransition[T tensor.Float](p *tensor.CSR[T]) *tensor.Var[T] {
	n, one := p.Rows, adjacency.Dense(p)
	all := make([]T, order*n*n)
	copy(all, one)
	t := tensor.NewInference[T](nil)
	power := tensor.NewConst(one, n, n)
	for k := 1; k < order; k++ {
		power = t.MatMul(power, tensor.NewConst(one, n, n))
		copy(all[k*n*n:], power.Data)
	}
	return tensor.NewConst(all, order*n, n)
}
