package tensor

// SliceCols takes columns [from, to) of every row.
func (t *Tape[T]) SliceCols(a *Var[T], from, to int) *Var[T] {
	c := a.Cols()
	if from < 0 || to > c || from > to {
		bug("columns %d to %d of shape %v", from, to, a.Shape)
	}
	n := to - from
	y := t.result(withCols(a.Shape, n), a)
	for r := range a.Rows() {
		copy(y.Data[r*n:(r+1)*n], a.Data[r*c+from:])
	}
	t.record(y, func() {
		for r := range a.Rows() {
			accumulate(a.Grad[r*c+from:r*c+to], y.Grad[r*n:], 1)
		}
	})
	return y
}

// SliceRows takes rows [from, to) as a matrix; memory, the gradient's too, is shared.
func (t *Tape[T]) SliceRows(a *Var[T], from, to int) *Var[T] {
	c := a.Cols()
	if from < 0 || to > a.Rows() || from > to {
		bug("rows %d to %d of shape %v", from, to, a.Shape)
	}
	v := &Var[T]{Shape: []int{to - from, c}, Data: a.Data[from*c : to*c]}
	if a.Grad != nil {
		v.Grad = a.Grad[from*c : to*c]
	}
	return v
}
