package tensor

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
	y := t.result(h.Shape, in, hidden, h)
	gates := t.mem.take(3 * len(h.Data)) // r, z, n of each element, for the way back
	for i := range rows {
		a, b := in.Data[3*i*c:3*(i+1)*c], hidden.Data[3*i*c:3*(i+1)*c]
		g := gates[3*i*c : 3*(i+1)*c]
		for j := range c {
			r := sigmoid(a[j] + b[j])
			z := sigmoid(a[c+j] + b[c+j])
			n := tanh(a[2*c+j] + r*b[2*c+j])
			g[j], g[c+j], g[2*c+j] = r, z, n
			y.Data[i*c+j] = (1-z)*n + z*h.Data[i*c+j]
		}
	}
	t.record(y, func() {
		for i := range rows {
			b := hidden.Data[3*i*c : 3*(i+1)*c]
			g := gates[3*i*c : 3*(i+1)*c]
			for j := range c {
				r, z, n := g[j], g[c+j], g[2*c+j]
				dy := y.Grad[i*c+j]
				dz := dy * (h.Data[i*c+j] - n) * z * (1 - z)
				dn := dy * (1 - z) * (1 - n*n)
				dr := dn * b[2*c+j] * r * (1 - r)
				if h.Grad != nil {
					h.Grad[i*c+j] += dy * z
				}
				if in.Grad != nil {
					d := in.Grad[3*i*c : 3*(i+1)*c]
					d[j] += dr
					d[c+j] += dz
					d[2*c+j] += dn
				}
				if hidden.Grad != nil {
					d := hidden.Grad[3*i*c : 3*(i+1)*c]
					d[j] += dr
					d[c+j] += dz
					d[2*c+j] += dn * r
				}
			}
		}
	})
	return y
}
