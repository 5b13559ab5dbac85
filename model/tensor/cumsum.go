package tensor

// CumSum is the running sum along the last dimension.
func (t *Tape[T]) CumSum(a *Var[T]) *Var[T] {
	c := a.Cols()
	y := t.result(a.Shape, a)
	for r := 0; r < len(a.Data); r += c {
		var sum T
		for j := r; j < r+c; j++ {
			sum += a.Data[j]
			y.Data[j] = sum
		}
	}
	t.record(y, func() {
		for r := 0; r < len(a.Grad); r += c {
			var sum T
			for j := r + c - 1; j >= r; j-- {
				sum += y.Grad[j]
				a.Grad[j] += sum
			}
		}
	})
	return y
}
