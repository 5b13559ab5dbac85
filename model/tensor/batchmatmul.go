package tensor

import "presage/model/tensor/kernel"

// BatchMatMul is a product for each element of a batch: a [B, N, M] times b [B, M, C] gives [B, N, C].
func (t *Tape[T]) BatchMatMul(a, b *Var[T]) *Var[T] { return t.batchMatMul(a, b, false) }

// BatchTMatMul is BatchMatMul of a transposed: a [B, M, N].
func (t *Tape[T]) BatchTMatMul(a, b *Var[T]) *Var[T] { return t.batchMatMul(a, b, true) }

func (t *Tape[T]) batchMatMul(a, b *Var[T], ta bool) *Var[T] {
	if len(a.Shape) != 3 || len(b.Shape) != 3 || a.Shape[0] != b.Shape[0] {
		bug("batched product of shapes %v and %v", a.Shape, b.Shape)
	}
	n, m, c, flag := a.Shape[1], a.Shape[2], b.Shape[2], 0
	if ta {
		n, m, flag = m, n, 1
	}
	if b.Shape[1] != m {
		bug("batched product of shapes %v and %v, transposed %v", a.Shape, b.Shape, ta)
	}
	shape := t.shapes.Take(3)
	shape[0], shape[1], shape[2] = a.Shape[0], n, c
	y := t.result(shape, a.Grad != nil || b.Grad != nil)
	t.batch(batchTask[T]{c: y.Data, a: a.Data, b: b.Data, m: n, n: c, k: m, ta: ta}, a.Shape[0])
	return t.record(node[T]{op: opBatchMatMul, y: y, a: a, b: b, i: flag})
}

func (t *Tape[T]) backBatchMatMul(nd *node[T]) {
	a, b, g, ta := nd.a, nd.b, nd.y.Grad, nd.i == 1
	size, n, c := nd.y.Shape[0], nd.y.Shape[1], nd.y.Shape[2]
	m := b.Shape[1]
	if a.Grad != nil {
		task := batchTask[T]{c: a.Grad, a: g, b: b.Data, m: n, n: m, k: c, tb: true, add: a.collect()}
		if ta { // dA = B dYᵀ, A being stored [m, n]
			task = batchTask[T]{c: a.Grad, a: b.Data, b: g, m: m, n: n, k: c, tb: true, add: task.add}
		}
		t.batch(task, size)
	}
	if b.Grad != nil {
		t.batch(batchTask[T]{c: b.Grad, a: a.Data, b: g, m: m, n: c, k: n, ta: !ta, add: b.collect()}, size)
	}
}

// batch splits a batch of products over the lane.
func (t *Tape[T]) batch(task batchTask[T], size int) {
	if task.tb {
		task.scratch = t.mem.Take(t.lane.Workers() * task.n * task.k)
	}
	t.batched = task
	t.lane.Run(size, &t.batched)
	t.batched = batchTask[T]{}
}

// batchTask is C (+)= op(A) op(B), op(A) [m, k], op(B) [k, n], a part being an element of the batch.
type batchTask[T Float] struct {
	c, a, b     []T
	m, n, k     int
	ta, tb, add bool
	scratch     []T // of each worker, B transposed
}

// Part implements pool.Task.
func (t *batchTask[T]) Part(i, worker int) {
	b := t.b[i*t.k*t.n : (i+1)*t.k*t.n]
	if t.tb {
		turned := t.scratch[worker*t.k*t.n:][:t.k*t.n]
		kernel.Transpose(turned, b, t.n, t.k)
		b = turned
	}
	p := kernel.Product{M: t.m, N: t.n, K: t.k, LDA: t.k, LDB: t.n, LDC: t.n, TransA: t.ta, Add: t.add}
	if t.ta {
		p.LDA = t.m
	}
	kernel.Gemm(t.c[i*t.m*t.n:(i+1)*t.m*t.n], t.a[i*t.m*t.k:(i+1)*t.m*t.k], b, nil, p)
}
