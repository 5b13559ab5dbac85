package tensor

// AddCol adds b[r] to every element of row r of a: b holds one element a row.
func (t *Tape[T]) AddCol(a, b *Var[T]) *Var[T] {
	c := a.Cols()
	if len(b.Data) != a.Rows() {
		bug("column of shape %v on shape %v", b.Shape, a.Shape)
	}
	y := t.result(a.Shape, a.Grad != nil || b.Grad != nil)
	for r, add := range b.Data {
		row, out := a.Data[r*c:(r+1)*c], y.Data[r*c:(r+1)*c]
		for j, v := range row {
			out[j] = v + add
		}
	}
	return t.record(node[T]{op: opAddCol, y: y, a: a, b: b})
}

func backAddCol[T Float](n *node[T]) {
	accumulate(n.a, n.y.Grad, 1)
	if n.b.Grad == nil {
		return
	}
	n.b.open()
	c := n.a.Cols()
	for r := range n.b.Grad {
		var sum float64
		for _, g := range n.y.Grad[r*c : (r+1)*c] {
			sum += float64(g)
		}
		n.b.Grad[r] += T(sum)
	}
}
