package tensor

import "presage/model/tensor/kernel"

// SpMM multiplies sparse matrices with x: one matrix [R, N] with x [N, C], or several, one below
// the other along a diagonal, with the rows of x that stand below one another in the same order: the
// graphs of several slices with the slices' rows. The gradient goes to x; the matrices are constants.
func (t *Tape[T]) SpMM(x *Var[T], graphs ...*CSR[T]) *Var[T] {
	rows, cols := 0, 0
	for _, g := range graphs {
		rows, cols = rows+g.Rows, cols+g.Cols
	}
	if x.Rows() != cols {
		bug("sparse product of %d matrices with %d columns and shape %v", len(graphs), cols, x.Shape)
	}
	y := t.result(t.matrix(rows, x.Cols()), x.Grad != nil)
	kept := t.graphs.Take(len(graphs))
	copy(kept, graphs)
	t.mix(y.Data, x.Data, kept, x.Cols(), false)
	return t.record(node[T]{op: opSpMM, y: y, a: x, graphs: kept})
}

func (t *Tape[T]) backSpMM(n *node[T]) {
	turned := t.graphs.Take(len(n.graphs))
	for i, g := range n.graphs {
		turned[i] = g.Transposed()
	}
	t.mix(n.a.Grad, n.y.Grad, turned, n.a.Cols(), n.a.collect())
}

// mixRows are the rows of a part.
const mixRows = 256

// mix splits a sparse product over the lane.
func (t *Tape[T]) mix(y, x []T, graphs []*CSR[T], c int, add bool) {
	parts := 0
	for _, g := range graphs {
		parts += (g.Rows + mixRows - 1) / mixRows
	}
	task := sparseTask[T]{y: y, x: x, graphs: graphs, c: c, add: add, parts: t.indices.Take(4 * parts)}
	at, rowY, rowX := 0, 0, 0
	for i, g := range graphs {
		for from := 0; from < g.Rows; from += mixRows {
			p := task.parts[4*at:]
			p[0], p[1], p[2], p[3] = int32(i), int32(from), int32(rowY), int32(rowX)
			at++
		}
		rowY, rowX = rowY+g.Rows, rowX+g.Cols
	}
	t.sparse = task
	t.lane.Run(parts, &t.sparse)
	t.sparse = sparseTask[T]{}
}

// sparseTask is a sparse product, a part being some rows of one matrix.
type sparseTask[T Float] struct {
	y, x   []T
	graphs []*CSR[T]
	c      int
	add    bool
	parts  []int32 // of each part: the matrix, its first row in it, the matrix's first rows in y and x
}

// Part implements pool.Task.
func (t *sparseTask[T]) Part(i, _ int) {
	p := t.parts[4*i:]
	g, from := t.graphs[p[0]], int(p[1])
	to := min(from+mixRows, g.Rows)
	y, x := int(p[2])+from, int(p[3])
	kernel.SpMM(t.y[y*t.c:(int(p[2])+to)*t.c], g.RowPtr[from:to+1], g.Col, g.Val, t.x[x*t.c:(x+g.Cols)*t.c], t.c, t.add)
}
