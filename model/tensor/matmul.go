package tensor

import (
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
)

// MatMul is a times b. a counts as [rows, cols] whatever its leading dimensions are,
// and they are the result's; b is a matrix.
func (t *Tape[T]) MatMul(a, b *Var[T]) *Var[T] { return t.matMul(a, b, false, false) }

// MatMulT is a times b transposed: b in the layout [out, in].
func (t *Tape[T]) MatMulT(a, b *Var[T]) *Var[T] { return t.matMul(a, b, false, true) }

// TMatMul is a transposed times b; both are matrices.
func (t *Tape[T]) TMatMul(a, b *Var[T]) *Var[T] { return t.matMul(a, b, true, false) }

func (t *Tape[T]) matMul(a, b *Var[T], ta, tb bool) *Var[T] {
	if len(b.Shape) != 2 || len(a.Shape) < 2 || ta && len(a.Shape) != 2 {
		bug("matrix product of shapes %v and %v", a.Shape, b.Shape)
	}
	m, k := a.Rows(), a.Cols()
	if ta {
		m, k = k, m
	}
	kb, n := b.Shape[0], b.Shape[1]
	if tb {
		kb, n = n, kb
	}
	if k != kb {
		bug("matrix product of shapes %v and %v, transposed %v and %v", a.Shape, b.Shape, ta, tb)
	}
	shape := []int{m, n}
	if !ta {
		shape = withCols(a.Shape, n)
	}
	y := t.result(shape, a, b)
	gemm(ta, tb, m, n, k, a.Data, b.Data, 0, y.Data)
	t.record(y, func() {
		if a.Grad != nil {
			if ta { // dA = B' dYᵀ with A stored [k, m]
				gemm(tb, true, k, m, n, b.Data, y.Grad, 1, a.Grad)
			} else {
				gemm(false, !tb, m, k, n, y.Grad, b.Data, 1, a.Grad)
			}
		}
		if b.Grad != nil {
			if tb { // dB is stored [n, k]
				gemm(true, ta, n, k, m, y.Grad, a.Data, 1, b.Grad)
			} else {
				gemm(!ta, false, k, n, m, a.Data, y.Grad, 1, b.Grad)
			}
		}
	})
	return y
}

// gemm is C = op(A) op(B) + beta C with op(A) [m, k], op(B) [k, n]; all dense.
func gemm[T Float](ta, tb bool, m, n, k int, a, b []T, beta T, c []T) {
	if m == 0 || n == 0 {
		return
	}
	ar, ac, br, bc := m, k, k, n
	fa, fb := blas.NoTrans, blas.NoTrans
	if ta {
		ar, ac, fa = k, m, blas.Trans
	}
	if tb {
		br, bc, fb = n, k, blas.Trans
	}
	if k == 0 {
		if beta == 0 {
			clear(c)
		}
		return
	}
	switch a := any(a).(type) {
	case []float32:
		blas32.Gemm(fa, fb, 1,
			blas32.General{Rows: ar, Cols: ac, Stride: ac, Data: a},
			blas32.General{Rows: br, Cols: bc, Stride: bc, Data: any(b).([]float32)}, float32(beta),
			blas32.General{Rows: m, Cols: n, Stride: n, Data: any(c).([]float32)})
	case []float64:
		blas64.Gemm(fa, fb, 1,
			blas64.General{Rows: ar, Cols: ac, Stride: ac, Data: a},
			blas64.General{Rows: br, Cols: bc, Stride: bc, Data: any(b).([]float64)}, float64(beta),
			blas64.General{Rows: m, Cols: n, Stride: n, Data: any(c).([]float64)})
	}
}

// Reshape gives v another shape of the same size; memory is shared.
func (t *Tape[T]) Reshape(v *Var[T], shape ...int) *Var[T] {
	if size(shape) != len(v.Data) {
		bug("reshape of %v to %v", v.Shape, shape)
	}
	return &Var[T]{Shape: slices.Clone(shape), Data: v.Data, Grad: v.Grad}
}
