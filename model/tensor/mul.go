package tensor

// Mul is a times b, element by element.
func (t *Tape[T]) Mul(a, b *Var[T]) *Var[T] {
	sameShape("product", a, b)
	y := t.result(a.Shape, a, b)
	for i, v := range a.Data {
		y.Data[i] = v * b.Data[i]
	}
	t.record(y, func() {
		for i := range a.Grad {
			a.Grad[i] += y.Grad[i] * b.Data[i]
		}
		for i := range b.Grad {
			b.Grad[i] += y.Grad[i] * a.Data[i]
		}
	})
	return y
}

// Scale is a times a constant.
func (t *Tape[T]) Scale(a *Var[T], by T) *Var[T] {
	y := t.result(a.Shape, a)
	for i, v := range a.Data {
		y.Data[i] = v * by
	}
	t.record(y, func() { accumulate(a.Grad, y.Grad, by) })
	return y
}
