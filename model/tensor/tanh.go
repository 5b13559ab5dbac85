package tensor

import "presage/model/tensor/kernel"

// Tanh is the hyperbolic tangent.
func (t *Tape[T]) Tanh(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	tanhs(y.Data, a.Data)
	return t.record(node[T]{op: opTanh, y: y, a: a})
}

func backTanh[T Float](n *node[T]) {
	n.a.open()
	if d, ok := narrow(n.a.Grad); ok {
		kernel.TanhBack(d, wide(n.y.Data), wide(n.y.Grad))
		return
	}
	for i, s := range n.y.Data {
		n.a.Grad[i] += n.y.Grad[i] * (1 - s*s)
	}
}
