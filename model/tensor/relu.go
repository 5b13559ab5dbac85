package tensor

import "presage/model/tensor/kernel"

// ReLU is max(a, 0). Its derivative at 0 is 0.
func (t *Tape[T]) ReLU(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	kernel.ReLU(y.Data, a.Data)
	return t.record(node[T]{op: opReLU, y: y, a: a})
}

func backReLU[T Float](n *node[T]) {
	if !n.a.collect() {
		kernel.ReLUMask(n.a.Grad, n.y.Data, n.y.Grad)
		return
	}
	kernel.ReLUBack(n.a.Grad, n.y.Data, n.y.Grad)
}
