package tensor

import "presage/model/tensor/kernel"

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
	shape := t.matrix(m, n)
	if !ta {
		shape = t.withCols(a.Shape, n)
	}
	y := t.result(shape, a.Grad != nil || b.Grad != nil)
	t.product(y.Data, a.Data, b.Data, m, n, k, ta, tb, false)
	flags := 0
	if ta {
		flags |= 1
	}
	if tb {
		flags |= 2
	}
	return t.record(node[T]{op: opMatMul, y: y, a: a, b: b, i: m, j: n, k: flags})
}

func (t *Tape[T]) backMatMul(nd *node[T]) {
	a, b, g, m, n := nd.a, nd.b, nd.y.Grad, nd.i, nd.j
	ta, tb := nd.k&1 != 0, nd.k&2 != 0
	k := len(a.Data) / max(m, 1)
	if a.Grad != nil {
		add := a.collect()
		if ta { // dA = B' dYᵀ with A stored [k, m]
			t.product(a.Grad, b.Data, g, k, m, n, tb, true, add)
		} else {
			t.product(a.Grad, g, b.Data, m, k, n, false, !tb, add)
		}
	}
	if b.Grad != nil {
		add := b.collect()
		if tb { // dB is stored [n, k]
			t.product(b.Grad, g, a.Data, n, k, m, true, ta, add)
		} else {
			t.product(b.Grad, a.Data, g, k, n, m, !ta, false, add)
		}
	}
}

// product is C (+)= op(A) op(B) with op(A) [m, k], op(B) [k, n]; all dense.
func (t *Tape[T]) product(c, a, b []T, m, n, k int, ta, tb, add bool) {
	if m == 0 || n == 0 {
		return
	}
	p := kernel.Product{M: m, N: n, K: k, LDA: k, LDB: n, LDC: n, TransA: ta, Add: add}
	if ta {
		p.LDA = m
	}
	if tb {
		turned := t.mem.Take(k * n)
		kernel.Transpose(turned, b, n, k)
		b = turned
	}
	t.multiply(c, a, b, nil, p)
}

// multiply splits a product over the lane by rows of C. The split changes nothing of the
// result: a row is computed the same way in any part.
func (t *Tape[T]) multiply(c, a, b, bias []T, p kernel.Product) {
	t.products = productTask[T]{c: c, a: a, b: b, bias: bias, p: p, per: t.rowsAPart(p.M, p.N*p.K)}
	t.lane.Run((p.M+t.products.per-1)/t.products.per, &t.products)
	t.products = productTask[T]{}
}

// Work below smallest, in multiplications, is not worth a second worker.
const smallest = 100_000

// rowsAPart divides rows that cost so many multiplications each: a few parts a worker, so that
// one that is held up leaves its share to the others.
func (t *Tape[T]) rowsAPart(rows, cost int) int {
	workers := t.lane.Workers()
	if workers == 1 || rows*cost < smallest {
		return max(rows, 1)
	}
	parts := 2 * workers
	if rows >= 8*workers*kernel.Grain {
		parts = 4 * workers
	}
	return max((rows+parts-1)/parts, 1)
}

// productTask is a matrix product, a part being some rows.
type productTask[T Float] struct {
	c, a, b, bias []T
	p             kernel.Product
	per           int
}

// Part implements pool.Task.
func (t *productTask[T]) Part(i, _ int) {
	part, a, c := t.p.Rows(i*t.per, min((i+1)*t.per, t.p.M))
	kernel.Gemm(t.c[c:], t.a[a:], t.b, t.bias, part)
}
