package tensor

import "math"

// Tanh is the hyperbolic tangent.
func (t *Tape[T]) Tanh(a *Var[T]) *Var[T] {
	y := t.result(a.Shape, a)
	for i, v := range a.Data {
		y.Data[i] = tanh(v)
	}
	t.record(y, func() {
		for i := range a.Grad {
			s := y.Data[i]
			a.Grad[i] += y.Grad[i] * (1 - s*s)
		}
	})
	return y
}

func tanh[T Float](v T) T { return T(math.Tanh(float64(v))) }
