package tensor

import "math"

// Softplus is log(1 + exp(a)): positive, and about a for large a.
func (t *Tape[T]) Softplus(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a)
	for i, v := range a.Data {
		y.Data[i] = softplus(v)
	}
	t.record(y, func() {
		for i := range a.Grad {
			a.Grad[i] += y.Grad[i] * sigmoid(a.Data[i])
		}
	})
	return y
}

// softplus is written so that neither side overflows.
func softplus[T Float](v T) T {
	x := float64(v)
	return T(max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))))
}
