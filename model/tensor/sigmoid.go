package tensor

import "math"

// Sigmoid is 1 / (1 + exp(-a)).
func (t *Tape[T]) Sigmoid(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a)
	for i, v := range a.Data {
		y.Data[i] = sigmoid(v)
	}
	t.record(y, func() {
		for i := range a.Grad {
			s := y.Data[i]
			a.Grad[i] += y.Grad[i] * s * (1 - s)
		}
	})
	return y
}

func sigmoid[T Float](v T) T {
	return T(1 / (1 + math.Exp(-float64(v))))
}
