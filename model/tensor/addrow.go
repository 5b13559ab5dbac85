package tensor

// AddRow adds the vector b of length Cols to every row of a: a bias.
func (t *Tape[T]) AddRow(a, b *Var[T]) *Var[T] {
	c := a.Cols()
	if len(b.Data) != c {
		bug("bias of shape %v on rows of shape %v", b.Shape, a.Shape)
	}
	y := t.result(a.Shape, a, b)
	for r := 0; r < len(a.Data); r += c {
		row, out := a.Data[r:r+c], y.Data[r:r+c]
		for j, v := range row {
			out[j] = v + b.Data[j]
		}
	}
	t.record(y, func() {
		accumulate(a.Grad, y.Grad, 1)
		if b.Grad == nil {
			return
		}
		for r := 0; r < len(y.Grad); r += c {
			accumulate(b.Grad, y.Grad[r:r+c], 1)
		}
	})
	return y
}
