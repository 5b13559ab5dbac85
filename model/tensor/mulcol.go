package tensor

// MulCol multiplies row r of a by b[r], one constant a row. b must not change before
// Backward.
func (t *Tape[T]) MulCol(a *Var[T], b []T) *Var[T] {
	c := a.Cols()
	if len(b) != a.Rows() {
		bug("%d factors for the rows of shape %v", len(b), a.Shape)
	}
	y := t.result(a.Shape, a.Grad != nil)
	for r, f := range b {
		row, out := a.Data[r*c:(r+1)*c], y.Data[r*c:(r+1)*c]
		for j, v := range row {
			out[j] = v * f
		}
	}
	return t.record(node[T]{op: opMulCol, y: y, a: a, keep: b})
}

func backMulCol[T Float](n *node[T]) {
	n.a.open()
	c := n.a.Cols()
	for r, f := range n.keep {
		into, from := n.a.Grad[r*c:(r+1)*c], n.y.Grad[r*c:(r+1)*c]
		for j, g := range from {
			into[j] += f * g
		}
	}
}
