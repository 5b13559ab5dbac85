package tensor

import "presage/model/tensor/kernel"

// Sigmoid is 1 / (1 + exp(-a)).
func (t *Tape[T]) Sigmoid(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	kernel.Sigmoid(y.Data, a.Data)
	return t.record(node[T]{op: opSigmoid, y: y, a: a})
}

func backSigmoid[T Float](n *node[T]) {
	n.a.open()
	kernel.SigmoidBack(n.a.Grad, n.y.Data, n.y.Grad)
}
