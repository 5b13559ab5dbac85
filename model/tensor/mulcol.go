package tensor

// MulCol multiplies row r of a by b[r], one constant a row.
func (t *Tape[T]) MulCol(a *Var[T], b []T) *Var[T] {
	c := a.Cols()
	if len(b) != a.Rows() {
		bug("%d factors for the rows of shape %v", len(b), a.Shape)
	}
	y := t.result(a.Shape, a)
	for r, f := range b {
		row, out := a.Data[r*c:(r+1)*c], y.Data[r*c:(r+1)*c]
		for j, v := range row {
			out[j] = v * f
		}
	}
	t.record(y, func() {
		for r, f := range b {
			accumulate(a.Grad[r*c:(r+1)*c], y.Grad[r*c:(r+1)*c], f)
		}
	})
	return y
}
