package tensor

// AddCol adds b[r] to every element of row r of a: b holds one element a row.
func (t *Tape[T]) AddCol(a, b *Var[T]) *Var[T] {
	c := a.Cols()
	if len(b.Data) != a.Rows() {
		bug("column of shape %v on shape %v", b.Shape, a.Shape)
	}
	y := t.result(a.Shape, a, b)
	for r, add := range b.Data {
		row, out := a.Data[r*c:(r+1)*c], y.Data[r*c:(r+1)*c]
		for j, v := range row {
			out[j] = v + add
		}
	}
	t.record(y, func() {
		accumulate(a.Grad, y.Grad, 1)
		for r := range b.Grad {
			var sum float64
			for _, g := range y.Grad[r*c : (r+1)*c] {
				sum += float64(g)
			}
			b.Grad[r] += T(sum)
		}
	})
	return y
}
