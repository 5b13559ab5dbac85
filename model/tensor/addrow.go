package tensor

import "presage/model/tensor/kernel"

// AddRow adds the vector b of length Cols to every row of a: a bias.
func (t *Tape[T]) AddRow(a, b *Var[T]) *Var[T] {
	c := a.Cols()
	if len(b.Data) != c {
		bug("bias of shape %v on rows of shape %v", b.Shape, a.Shape)
	}
	y := t.result(a.Shape, a.Grad != nil || b.Grad != nil)
	kernel.AddRow(y.Data, a.Data, b.Data)
	return t.record(node[T]{op: opAddRow, y: y, a: a, b: b})
}

func backAddRow[T Float](n *node[T]) {
	accumulate(n.a, n.y.Grad, 1)
	if n.b.Grad != nil {
		n.b.open()
		kernel.ColSum(n.b.Grad, n.y.Grad)
	}
}
