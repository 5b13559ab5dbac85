package tensor

import "presage/model/tensor/kernel"

// Quantiles makes each row rise: column median is kept, every column to its right adds
// the softplus of its input to the one before, every column to its left subtracts
// likewise. Quantiles made so never cross.
func (t *Tape[T]) Quantiles(a *Var[T], median int) *Var[T] {
	c := a.Cols()
	if median < 0 || median >= c {
		bug("median column %d of shape %v", median, a.Shape)
	}
	y := t.result(a.Shape, a.Grad != nil)
	kernel.Softplus(y.Data, a.Data)
	for r := 0; r < len(a.Data); r += c {
		out := y.Data[r : r+c]
		out[median] = a.Data[r+median]
		for j := median + 1; j < c; j++ {
			out[j] += out[j-1]
		}
		for j := median - 1; j >= 0; j-- {
			out[j] = out[j+1] - out[j]
		}
	}
	return t.record(node[T]{op: opQuantiles, y: y, a: a, i: median})
}

func (t *Tape[T]) backQuantiles(n *node[T]) {
	n.a.open()
	c, median := n.a.Cols(), n.i
	slope := t.mem.Take(len(n.a.Data))
	kernel.Sigmoid(slope, n.a.Data)
	for r := 0; r < len(n.a.Grad); r += c {
		s, g, d := slope[r:r+c], n.y.Grad[r:r+c], n.a.Grad[r:r+c]
		// A column carries all columns further out, so sums run inwards.
		var right, left T
		for j := c - 1; j > median; j-- {
			right += g[j]
			d[j] += right * s[j]
		}
		for j := range median {
			left += g[j]
			d[j] -= left * s[j]
		}
		d[median] += g[median] + right + left
	}
}
