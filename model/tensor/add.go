package tensor

// Add is a + b, element by element.
func (t *Tape[T]) Add(a, b *Var[T]) *Var[T] {
	sameShape("sum", a, b)
	y := t.result(a.Shape, a, b)
	for i, v := range a.Data {
		y.Data[i] = v + b.Data[i]
	}
	t.record(y, func() {
		accumulate(a.Grad, y.Grad, 1)
		accumulate(b.Grad, y.Grad, 1)
	})
	return y
}

// Sub is a - b, element by element.
func (t *Tape[T]) Sub(a, b *Var[T]) *Var[T] {
	sameShape("difference", a, b)
	y := t.result(a.Shape, a, b)
	for i, v := range a.Data {
		y.Data[i] = v - b.Data[i]
	}
	t.record(y, func() {
		accumulate(a.Grad, y.Grad, 1)
		accumulate(b.Grad, y.Grad, -1)
	})
	return y
}

// accumulate is dst += scale * src; a nil dst wants no gradient.
func accumulate[T Float](dst, src []T, scale T) {
	if dst == nil {
		return
	}
	src = src[:len(dst)]
	for i := range dst {
		dst[i] += scale * src[i]
	}
}
