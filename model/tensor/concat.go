package tensor

// Concat puts the rows of parts side by side. All parts have the same number of rows;
// the result takes the leading dimensions of the first.
func (t *Tape[T]) Concat(parts ...*Var[T]) *Var[T] {
	rows, cols := parts[0].Rows(), 0
	for _, p := range parts {
		if p.Rows() != rows {
			bug("concatenation of shapes %v and %v", parts[0].Shape, p.Shape)
		}
		cols += p.Cols()
	}
	y := t.result(withCols(parts[0].Shape, cols), parts...)
	at := 0
	for _, p := range parts {
		c := p.Cols()
		for r := range rows {
			copy(y.Data[r*cols+at:], p.Data[r*c:(r+1)*c])
		}
		at += c
	}
	t.record(y, func() {
		at := 0
		for _, p := range parts {
			c := p.Cols()
			if p.Grad != nil {
				for r := range rows {
					accumulate(p.Grad[r*c:(r+1)*c], y.Grad[r*cols+at:], 1)
				}
			}
			at += c
		}
	})
	return y
}
