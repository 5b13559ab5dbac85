package adjacency

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"presage/model/tensor"
)

// Symmetric is D^-1/2 (A + I) D^-1/2 with D the row sums of A + I: eq. 1 of the paper.
// Rows' sums are used on both sides, also where A is not symmetric.
func Symmetric[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] {
	b := plusIdentity(a)
	return scale(b, power(rowSums(b), -0.5), power(rowSums(b), -0.5))
}

// RandomWalk is D^-1 A: the transition matrix along the edges. With Transpose(A) it is the
// one against them. (Graph WaveNet's asym_adj.)
func RandomWalk[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] {
	return scale(a, power(rowSums(a), -1), nil)
}

// SymmetricTransposed is D^-1/2 Aᵀ D^-1/2. (Graph WaveNet's sym_adj, which transposes.)
func SymmetricTransposed[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] {
	d := power(rowSums(a), -0.5)
	return scale(a.Transposed(), d, d)
}

// TGCN is D^-1/2 (A + I)ᵀ D^-1/2 with D the row sums of A + I. A diagonal that is
// already one becomes two, as in T-GCN's code.
func TGCN[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] {
	return SymmetricTransposed(plusIdentity(a))
}

// Laplacian is I - SymmetricTransposed(A).
func Laplacian[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] {
	s := SymmetricTransposed(a)
	for e := range s.Val {
		s.Val[e] = -s.Val[e]
	}
	return plusIdentity(s)
}

// ScaledLaplacian is (2/λ) L - I, L being the Laplacian of the larger of A and Aᵀ,
// element by element. λ is its largest eigenvalue by magnitude if lambda is zero, else lambda.
func ScaledLaplacian[T tensor.Float](a *tensor.CSR[T], lambda float64) (*tensor.CSR[T], error) {
	dense, other := Dense(a), Dense(a.Transposed())
	for i, v := range other {
		dense[i] = max(dense[i], v)
	}
	l := Laplacian(FromDense(dense, a.Rows))
	if lambda == 0 {
		var err error
		if lambda, err = largest(l); err != nil {
			return nil, err
		}
	}
	for e := range l.Val {
		l.Val[e] = T(float64(l.Val[e]) * 2 / lambda)
	}
	return plusDiagonal(l, -1), nil
}

// largest is the eigenvalue of greatest magnitude of a symmetric matrix.
func largest[T tensor.Float](l *tensor.CSR[T]) (float64, error) {
	d := mat.NewSymDense(l.Rows, nil)
	for i, v := range Dense(l) {
		d.SetSym(i/l.Rows, i%l.Rows, float64(v))
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(d, false) {
		return 0, fmt.Errorf("eigenvalues of a Laplacian of %d services: no convergence", l.Rows)
	}
	best := 0.0
	for _, v := range eigen.Values(nil) {
		if math.Abs(v) > math.Abs(best) {
			best = v
		}
	}
	return best, nil
}

// FromDense keeps the entries of a square matrix [n, n] that are not zero.
func FromDense[T tensor.Float](dense []T, n int) *tensor.CSR[T] {
	a := &tensor.CSR[T]{Rows: n, Cols: n, RowPtr: make([]int32, 1, n+1)}
	for i := range n {
		for j, v := range dense[i*n : (i+1)*n] {
			if v != 0 {
				a.Col, a.Val = append(a.Col, int32(j)), append(a.Val, v)
			}
		}
		a.RowPtr = append(a.RowPtr, int32(len(a.Col)))
	}
	return a
}

// Dense is the whole matrix, row-major.
func Dense[T tensor.Float](a *tensor.CSR[T]) []T {
	out := make([]T, a.Rows*a.Cols)
	for i := range a.Rows {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			out[i*a.Cols+int(a.Col[e])] = a.Val[e]
		}
	}
	return out
}

func plusIdentity[T tensor.Float](a *tensor.CSR[T]) *tensor.CSR[T] { return plusDiagonal(a, 1) }

// plusDiagonal is A + v I.
func plusDiagonal[T tensor.Float](a *tensor.CSR[T], v T) *tensor.CSR[T] {
	b := &tensor.CSR[T]{Rows: a.Rows, Cols: a.Cols, RowPtr: make([]int32, 1, a.Rows+1)}
	for i := range int32(a.Rows) {
		done := false
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			if !done && a.Col[e] > i {
				b.Col, b.Val, done = append(b.Col, i), append(b.Val, v), true
			}
			w := a.Val[e]
			if a.Col[e] == i {
				w, done = w+v, true
			}
			b.Col, b.Val = append(b.Col, a.Col[e]), append(b.Val, w)
		}
		if !done {
			b.Col, b.Val = append(b.Col, i), append(b.Val, v)
		}
		b.RowPtr = append(b.RowPtr, int32(len(b.Col)))
	}
	return b
}

func rowSums[T tensor.Float](a *tensor.CSR[T]) []float64 {
	out := make([]float64, a.Rows)
	for i := range out {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			out[i] += float64(a.Val[e])
		}
	}
	return out
}

// power raises positive sums; others give zero.
func power(sums []float64, p float64) []float64 {
	out := make([]float64, len(sums))
	for i, s := range sums {
		if s > 0 {
			out[i] = math.Pow(s, p)
		}
	}
	return out
}

// scale is diag(left) A diag(right); a nil right is the identity.
func scale[T tensor.Float](a *tensor.CSR[T], left, right []float64) *tensor.CSR[T] {
	b := &tensor.CSR[T]{Rows: a.Rows, Cols: a.Cols, RowPtr: a.RowPtr, Col: a.Col, Val: make([]T, len(a.Val))}
	for i := range a.Rows {
		for e := a.RowPtr[i]; e < a.RowPtr[i+1]; e++ {
			v := left[i] * float64(a.Val[e])
			if right != nil {
				v *= right[a.Col[e]]
			}
			b.Val[e] = T(v)
		}
	}
	return b
}
