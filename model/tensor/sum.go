package tensor

// Sum is the sum of all elements, accumulated in float64.
func (t *Tape[T]) Sum(a *Var[T]) *Var[T] {
	y := t.result([]int{}, a)
	var sum float64
	for _, v := range a.Data {
		sum += float64(v)
	}
	y.Data[0] = T(sum)
	t.record(y, func() {
		for i := range a.Grad {
			a.Grad[i] += y.Grad[0]
		}
	})
	return y
}
