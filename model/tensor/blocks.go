package tensor

import "presage/model/tensor/kernel"

// Block is a multiple of some rows of an array, and where it lies in a matrix.
type Block[T Float] struct {
	From         *Var[T]
	Row, Rows    int // of From
	ToRow, ToCol int // of the block's first element in the matrix
	Scale        T
}

// Layout says what a matrix is made of; where blocks overlap they are summed. It doesn't change once a
// tape has seen it.
type Layout[T Float] struct {
	Rows, Cols int
	Blocks     []Block[T]
}

// Assemble makes the matrix [Rows, Cols] of a layout. It is how weights that are stored apart become one
// operand of a large product.
func (t *Tape[T]) Assemble(l *Layout[T]) *Var[T] {
	gradient := false
	for _, b := range l.Blocks {
		if b.Row+b.Rows > b.From.Rows() || b.ToRow+b.Rows > l.Rows || b.ToCol+b.From.Cols() > l.Cols {
			bug("rows %d to %d of shape %v at (%d, %d) of [%d, %d]", b.Row, b.Row+b.Rows, b.From.Shape, b.ToRow, b.ToCol, l.Rows, l.Cols)
		}
		gradient = gradient || b.From.Grad != nil
	}
	y := t.result(t.matrix(l.Rows, l.Cols), gradient)
	clear(y.Data)
	for _, b := range l.Blocks {
		c := b.From.Cols()
		for r := range b.Rows {
			kernel.Axpy(y.Data[(b.ToRow+r)*l.Cols+b.ToCol:][:c], b.From.Data[(b.Row+r)*c:][:c], b.Scale)
		}
	}
	return t.record(node[T]{op: opExtended, y: y, more: l})
}

// back implements extended.
func (l *Layout[T]) back(_ *Tape[T], n *node[T]) {
	for _, b := range l.Blocks {
		if b.From.Grad == nil {
			continue
		}
		b.From.open()
		c := b.From.Cols()
		for r := range b.Rows {
			kernel.Axpy(b.From.Grad[(b.Row+r)*c:][:c], n.y.Grad[(b.ToRow+r)*l.Cols+b.ToCol:][:c], b.Scale)
		}
	}
}
