package tensor

// CSR is a sparse matrix [Rows, Cols]: the entries of row i are
// Col[RowPtr[i]:RowPtr[i+1]] with values at the same places of Val.
type CSR[T Float] struct {
	Rows, Cols int
	RowPtr     []int32 // [Rows+1]
	Col        []int32
	Val        []T
}

// SpMM is s times x, x being [s.Cols, C]. The gradient goes to x; s is a constant.
func (t *Tape[T]) SpMM(s *CSR[T], x *Var[T]) *Var[T] {
	if x.Rows() != s.Cols {
		bug("sparse product of [%d, %d] and shape %v", s.Rows, s.Cols, x.Shape)
	}
	c := x.Cols()
	y := t.result([]int{s.Rows, c}, x)
	clear(y.Data)
	for i := range s.Rows {
		out := y.Data[i*c : (i+1)*c]
		for e := s.RowPtr[i]; e < s.RowPtr[i+1]; e++ {
			j := int(s.Col[e])
			accumulate(out, x.Data[j*c:(j+1)*c], s.Val[e])
		}
	}
	t.record(y, func() {
		for i := range s.Rows {
			g := y.Grad[i*c : (i+1)*c]
			for e := s.RowPtr[i]; e < s.RowPtr[i+1]; e++ {
				j := int(s.Col[e])
				accumulate(x.Grad[j*c:(j+1)*c], g, s.Val[e])
			}
		}
	})
	return y
}
