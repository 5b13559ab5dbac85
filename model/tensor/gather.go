package tensor

// Gather takes row index[i] of a as row i; an index of -1 gives a row of zeros. With a
// parameter as a it is an embedding. index must not change before Backward.
func (t *Tape[T]) Gather(a *Var[T], index []int32) *Var[T] {
	c, rows := a.Cols(), int32(a.Rows())
	y := t.result([]int{len(index), c}, a)
	for i, r := range index {
		out := y.Data[i*c : (i+1)*c]
		switch {
		case r == -1:
			clear(out)
		case r < 0 || r >= rows:
			bug("row %d of shape %v", r, a.Shape)
		default:
			copy(out, a.Data[int(r)*c:])
		}
	}
	t.record(y, func() {
		for i, r := range index {
			if r >= 0 {
				accumulate(a.Grad[int(r)*c:(int(r)+1)*c], y.Grad[i*c:], 1)
			}
		}
	})
	return y
}
