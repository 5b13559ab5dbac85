package tensor

import "presage/model/tensor/kernel"

// ReLU is max(a, 0). Its derivative at 0 is 0.
func (t *Tape[T]) ReLU(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	rectify(y.Data, a.Data)
	return t.record(node[T]{op: opReLU, y: y, a: a})
}

func backReLU[T Float](n *node[T]) {
	if !n.a.collect() {
		rectified(n.a.Grad, n.y.Data, n.y.Grad)
		return
	}
	if d, ok := narrow(n.a.Grad); ok {
		kernel.ReLUBack(d, wide(n.y.Data), wide(n.y.Grad))
		return
	}
	for i, g := range n.y.Grad {
		if n.y.Data[i] > 0 {
			n.a.Grad[i] += g
		}
	}
}
