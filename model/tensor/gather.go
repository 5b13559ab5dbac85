package tensor

// Gather takes row index[i] of a as row i; an index of -1 gives a row of zeros. With a
// parameter as a it is an embedding. index must not change before Backward.
func (t *Tape[T]) Gather(a *Var[T], index []int32) *Var[T] {
	c := a.Cols()
	y := t.result(t.matrix(len(index), c), a.Grad != nil)
	gatherRows(y.Data, a.Data, index, c)
	return t.record(node[T]{op: opGather, y: y, a: a, index: index})
}

// gatherRows copies rows of c elements.
func gatherRows[T Float](dst, src []T, index []int32, c int) {
	rows := int32(0)
	if c > 0 {
		rows = int32(len(src) / c)
	}
	for i, r := range index {
		out := dst[i*c : (i+1)*c]
		switch {
		case r == -1:
			clear(out)
		case r < 0 || r >= rows:
			bug("row %d of %d", r, rows)
		default:
			copy(out, src[int(r)*c:])
		}
	}
}

func backGather[T Float](n *node[T]) {
	n.a.open()
	c := n.a.Cols()
	for i, r := range n.index {
		if r < 0 {
			continue
		}
		into, from := n.a.Grad[int(r)*c:(int(r)+1)*c], n.y.Grad[i*c:(i+1)*c]
		for j, g := range from {
			into[j] += g
		}
	}
}
