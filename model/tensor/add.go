package tensor

import "presage/model/tensor/kernel"

// Add is a + b, element by element.
func (t *Tape[T]) Add(a, b *Var[T]) *Var[T] {
	sameShape("sum", a, b)
	y := t.result(a.Shape, a.Grad != nil || b.Grad != nil)
	kernel.Add(y.Data, a.Data, b.Data)
	return t.record(node[T]{op: opAdd, y: y, a: a, b: b, s: 1})
}

// Sub is a - b, element by element.
func (t *Tape[T]) Sub(a, b *Var[T]) *Var[T] {
	sameShape("difference", a, b)
	y := t.result(a.Shape, a.Grad != nil || b.Grad != nil)
	kernel.Sub(y.Data, a.Data, b.Data)
	return t.record(node[T]{op: opSub, y: y, a: a, b: b, s: -1})
}

// backAdd serves both: s is the second input's sign.
func backAdd[T Float](n *node[T]) {
	accumulate(n.a, n.y.Grad, 1)
	accumulate(n.b, n.y.Grad, n.s)
}
