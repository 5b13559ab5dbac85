package tensor

// ReLU is max(a, 0). Its derivative at 0 is 0.
func (t *Tape[T]) ReLU(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a)
	for i, v := range a.Data {
		y.Data[i] = max(v, 0)
	}
	t.record(y, func() {
		for i := range a.Grad {
			if y.Data[i] > 0 {
				a.Grad[i] += y.Grad[i]
			}
		}
	})
	return y
}
