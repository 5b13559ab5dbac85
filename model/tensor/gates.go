package tensor

import "presage/model/tensor/kernel"

// GRUGates is the pointwise part of a gated recurrent unit in PyTorch's layout.
// in is Wi x + bi and hidden is Wh h + bh, both [N, 3C] with the blocks r, z, n; h is
// [N, C]:
//
//	r = σ(in_r + hidden_r), z = σ(in_z + hidden_z)
//	n = tanh(in_n + r hidden_n)
//	h' = (1 - z) n + z h
func (t *Tape[T]) GRUGates(in, hidden, h *Var[T]) *Var[T] {
	c, rows := h.Cols(), h.Rows()
	if in.Cols() != 3*c || hidden.Cols() != 3*c || in.Rows() != rows || hidden.Rows() != rows {
		bug("gates of shapes %v, %v for a state of shape %v", in.Shape, hidden.Shape, h.Shape)
	}
	y := t.result(h.Shape, in.Grad != nil || hidden.Grad != nil || h.Grad != nil)
	var keep []T
	if y.Grad != nil {
		keep = t.mem.Take(4 * len(h.Data))
	}
	kernel.GRUGates(y.Data, h.Data, in.Data, hidden.Data, keep, c)
	return t.record(node[T]{op: opGates, y: y, a: in, b: hidden, c: h, keep: keep})
}

func (t *Tape[T]) backGates(n *node[T]) {
	size := len(n.c.Data)
	dIn, dRec, dH := t.mem.Take(3*size), t.mem.Take(3*size), t.mem.Take(size)
	kernel.GRUGatesBack(dIn, dRec, dH, n.y.Grad, n.c.Data, n.keep, n.c.Cols())
	accumulate(n.a, dIn, 1)
	accumulate(n.b, dRec, 1)
	accumulate(n.c, dH, 1)
}
