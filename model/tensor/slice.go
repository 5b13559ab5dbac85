package tensor

// SliceCols takes columns [from, to) of every row.
func (t *Tape[T]) SliceCols(a *Var[T], from, to int) *Var[T] {
	c := a.Cols()
	if from < 0 || to > c || from > to {
		bug("columns %d to %d of shape %v", from, to, a.Shape)
	}
	n := to - from
	y := t.result(t.withCols(a.Shape, n), a.Grad != nil)
	for r := range a.Rows() {
		copy(y.Data[r*n:(r+1)*n], a.Data[r*c+from:])
	}
	return t.record(node[T]{op: opSliceCols, y: y, a: a, i: from})
}

func backSliceCols[T Float](n *node[T]) {
	n.a.open()
	c, w := n.a.Cols(), n.y.Cols()
	for r := range n.a.Rows() {
		into, from := n.a.Grad[r*c+n.i:][:w], n.y.Grad[r*w:(r+1)*w]
		for j, g := range from {
			into[j] += g
		}
	}
}

// SliceRows takes rows [from, to) as a matrix; memory, the gradient's too, is shared.
func (t *Tape[T]) SliceRows(a *Var[T], from, to int) *Var[T] {
	c := a.Cols()
	if from < 0 || to > a.Rows() || from > to {
		bug("rows %d to %d of shape %v", from, to, a.Shape)
	}
	if a.Grad != nil {
		a.open() // several parts share it, and none covers it
	}
	v := t.view(a, t.matrix(to-from, c))
	v.Data = a.Data[from*c : to*c]
	if a.Grad != nil {
		v.Grad = a.Grad[from*c : to*c]
	}
	return v
}

// Reshape gives v another shape of the same size; memory is shared.
func (t *Tape[T]) Reshape(v *Var[T], shape ...int) *Var[T] {
	if size(shape) != len(v.Data) {
		bug("reshape of %v to %d elements", v.Shape, size(shape))
	}
	return t.view(v, t.shape(shape))
}
