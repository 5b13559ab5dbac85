package tensor

import "presage/model/tensor/kernel"

// JoinTails puts the last rows of parts side by side: part i is [.., Cᵢ], the result [rows, Σ Cᵢ]. With time
// outermost these are the last moments of each part.
func (t *Tape[T]) JoinTails(rows int, parts ...*Var[T]) *Var[T] {
	cols, gradient := 0, false
	for _, p := range parts {
		if p.Rows() < rows {
			bug("last %d rows of shape %v", rows, p.Shape)
		}
		cols += p.Cols()
		gradient = gradient || p.Grad != nil
	}
	y := t.result(t.matrix(rows, cols), gradient)
	j := &t.extensions.tails.Take(1)[0]
	kept := t.inputs.Take(len(parts))
	copy(kept, parts)
	*j = joinedTails[T]{y: y, parts: kept, per: t.rowsAPart(rows, cols)}
	t.lane.Run((rows+j.per-1)/j.per, j)
	return t.record(node[T]{op: opExtended, y: y, more: j})
}

// joinedTails is the operation and its task, a part being some rows.
type joinedTails[T Float] struct {
	y         *Var[T]
	parts     []*Var[T]
	per       int
	backwards bool
	add       []*Var[T] // the parts whose gradients are added to; nil in the place of those that are written
}

// Part implements pool.Task.
func (j *joinedTails[T]) Part(i, _ int) {
	rows, cols := j.y.Rows(), j.y.Cols()
	from, to := span(i, j.per, rows)
	left := 0
	for k, p := range j.parts {
		c, skip := p.Cols(), p.Rows()-rows
		for r := from; r < to; r++ {
			whole, part := r*cols+left, (skip+r)*c
			switch {
			case !j.backwards:
				copy(j.y.Data[whole:whole+c], p.Data[part:])
			case p.Grad == nil:
			case j.add[k] != nil:
				kernel.Add(p.Grad[part:part+c], p.Grad[part:part+c], j.y.Grad[whole:whole+c])
			default:
				copy(p.Grad[part:part+c], j.y.Grad[whole:whole+c])
			}
		}
		left += c
	}
}

// back implements extended. A gradient that this is the first to reach is written where the tail is,
// and cleared before it.
func (j *joinedTails[T]) back(t *Tape[T], _ *node[T]) {
	rows := j.y.Rows()
	j.backwards, j.add = true, t.inputs.Take(len(j.parts))
	for k, p := range j.parts {
		j.add[k] = nil
		if p.Grad != nil && p.collectTail(rows) {
			j.add[k] = p
		}
	}
	t.lane.Run((rows+j.per-1)/j.per, j)
}

// collectTail is collect for an operation that writes the last rows only.
func (v *Var[T]) collectTail(rows int) (add bool) {
	if v.collect() {
		return true
	}
	clear(v.Grad[:(v.Rows()-rows)*v.Cols()])
	return false
}
