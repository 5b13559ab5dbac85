package tensor

// Quantiles makes each row rise: column median is kept, every column to its right adds
// the softplus of its input to the one before, every column to its left subtracts
// likewise. Quantiles made so never cross.
func (t *Tape[T]) Quantiles(a *Var[T], median int) *Var[T] {
	c := a.Cols()
	if median < 0 || median >= c {
		bug("median column %d of shape %v", median, a.Shape)
	}
	y := t.result(a.Shape, a)
	for r := 0; r < len(a.Data); r += c {
		in, out := a.Data[r:r+c], y.Data[r:r+c]
		out[median] = in[median]
		for j := median + 1; j < c; j++ {
			out[j] = out[j-1] + softplus(in[j])
		}
		for j := median - 1; j >= 0; j-- {
			out[j] = out[j+1] - softplus(in[j])
		}
	}
	t.record(y, func() {
		for r := 0; r < len(a.Grad); r += c {
			in, g, d := a.Data[r:r+c], y.Grad[r:r+c], a.Grad[r:r+c]
			// A column carries all columns further out, so sums run inwards.
			var right, left T
			for j := c - 1; j > median; j-- {
				right += g[j]
				d[j] += right * sigmoid(in[j])
			}
			for j := range median {
				left += g[j]
				d[j] -= left * sigmoid(in[j])
			}
			d[median] += g[median] + right + left
		}
	})
	return y
}
