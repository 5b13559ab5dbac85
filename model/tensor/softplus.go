package tensor

import "presage/model/tensor/kernel"

// Softplus is log(1 + exp(a)): positive, and about a for large a.
func (t *Tape[T]) Softplus(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	kernel.Softplus(y.Data, a.Data)
	return t.record(node[T]{op: opSoftplus, y: y, a: a})
}

func (t *Tape[T]) backSoftplus(n *node[T]) {
	n.a.open()
	slope := t.mem.Take(len(n.a.Data))
	kernel.Sigmoid(slope, n.a.Data)
	kernel.MulAdd(n.a.Grad, n.y.Grad, slope)
}
