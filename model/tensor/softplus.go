package tensor

// Softplus is log(1 + exp(a)): positive, and about a for large a.
func (t *Tape[T]) Softplus(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	softpluses(y.Data, a.Data)
	return t.record(node[T]{op: opSoftplus, y: y, a: a})
}

func backSoftplus[T Float](n *node[T]) {
	n.a.open()
	for i, v := range n.a.Data {
		n.a.Grad[i] += n.y.Grad[i] * sigmoid(v)
	}
}
