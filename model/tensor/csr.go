package tensor

// CSR is a sparse matrix [Rows, Cols]: the entries of row i are
// Col[RowPtr[i]:RowPtr[i+1]] with values at the same places of Val. It doesn't change once a tape
// has seen it.
type CSR[T Float] struct {
	Rows, Cols int
	RowPtr     []int32 // [Rows+1]
	Col        []int32
	Val        []T

	turned *CSR[T] // the transpose, once somebody asked for it
}

// Transposed is the matrix with rows and columns exchanged. It is made at the first call and kept:
// a graph's is needed in every step of a training.
func (a *CSR[T]) Transposed() *CSR[T] {
	if a.turned != nil {
		return a.turned
	}
	t := &CSR[T]{Rows: a.Cols, Cols: a.Rows, RowPtr: make([]int32, a.Cols+1),
		Col: make([]int32, len(a.Col)), Val: make([]T, len(a.Val))}
	for _, c := range a.Col {
		t.RowPtr[c+1]++
	}
	for i := range a.Cols {
		t.RowPtr[i+1] += t.RowPtr[i]
	}
	next := append([]int32(nil), t.RowPtr...)
	for i := range a.Rows {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			at := next[a.Col[e]]
			next[a.Col[e]]++
			t.Col[at], t.Val[at] = int32(i), a.Val[e]
		}
	}
	a.turned = t
	return t
}
