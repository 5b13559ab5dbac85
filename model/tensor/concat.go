package tensor

// Concat puts the rows of parts side by side. All parts have the same number of rows;
// the result takes the leading dimensions of the first.
func (t *Tape[T]) Concat(parts ...*Var[T]) *Var[T] {
	rows, cols, gradient := parts[0].Rows(), 0, false
	for _, p := range parts {
		if p.Rows() != rows {
			bug("concatenation of shapes %v and %v", parts[0].Shape, p.Shape)
		}
		cols += p.Cols()
		gradient = gradient || p.Grad != nil
	}
	y := t.result(t.withCols(parts[0].Shape, cols), gradient)
	at := 0
	for _, p := range parts {
		c := p.Cols()
		for r := range rows {
			copy(y.Data[r*cols+at:], p.Data[r*c:(r+1)*c])
		}
		at += c
	}
	kept := t.inputs.Take(len(parts))
	copy(kept, parts)
	return t.record(node[T]{op: opConcat, y: y, parts: kept})
}

func backConcat[T Float](n *node[T]) {
	rows, cols, at := n.y.Rows(), n.y.Cols(), 0
	for _, p := range n.parts {
		c := p.Cols()
		if p.Grad != nil {
			add := p.collect()
			for r := range rows {
				into, from := p.Grad[r*c:(r+1)*c], n.y.Grad[r*cols+at:][:c]
				if !add {
					copy(into, from)
					continue
				}
				for j, g := range from {
					into[j] += g
				}
			}
		}
		at += c
	}
}
