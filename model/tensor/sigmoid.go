package tensor

import "presage/model/tensor/kernel"

// Sigmoid is 1 / (1 + exp(-a)).
func (t *Tape[T]) Sigmoid(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	sigmoids(y.Data, a.Data)
	return t.record(node[T]{op: opSigmoid, y: y, a: a})
}

func backSigmoid[T Float](n *node[T]) {
	n.a.open()
	if d, ok := narrow(n.a.Grad); ok {
		kernel.SigmoidBack(d, wide(n.y.Data), wide(n.y.Grad))
		return
	}
	for i, s := range n.y.Data {
		n.a.Grad[i] += n.y.Grad[i] * s * (1 - s)
	}
}
