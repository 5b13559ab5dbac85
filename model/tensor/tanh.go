package tensor

import "presage/model/tensor/kernel"

// Tanh is the hyperbolic tangent.
func (t *Tape[T]) Tanh(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	kernel.Tanh(y.Data, a.Data)
	return t.record(node[T]{op: opTanh, y: y, a: a})
}

func backTanh[T Float](n *node[T]) {
	n.a.open()
	kernel.TanhBack(n.a.Grad, n.y.Data, n.y.Grad)
}
