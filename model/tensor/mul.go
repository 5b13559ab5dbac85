package tensor

import "presage/model/tensor/kernel"

// Mul is a times b, element by element.
func (t *Tape[T]) Mul(a, b *Var[T]) *Var[T] {
	sameShape("product", a, b)
	y := t.result(a.Shape, a.Grad != nil || b.Grad != nil)
	kernel.Mul(y.Data, a.Data, b.Data)
	return t.record(node[T]{op: opMul, y: y, a: a, b: b})
}

func backMul[T Float](n *node[T]) {
	one := func(v, other *Var[T]) {
		switch {
		case v.Grad == nil:
		case v.collect():
			kernel.MulAdd(v.Grad, n.y.Grad, other.Data)
		default:
			kernel.Mul(v.Grad, n.y.Grad, other.Data)
		}
	}
	one(n.a, n.b)
	one(n.b, n.a)
}

// Scale is a times a constant.
func (t *Tape[T]) Scale(a *Var[T], by T) *Var[T] {
	y := t.result(a.Shape, a.Grad != nil)
	kernel.Scale(y.Data, a.Data, by)
	return t.record(node[T]{op: opScale, y: y, a: a, s: by})
}
