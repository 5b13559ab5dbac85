package tensor

import "presage/model/tensor/kernel"

// Linear is x W + b, or max(x W + b, 0) with relu: x [.., in], W [in, out], b [out] or nil. It
// is one operation because its parts would each read and write all rows again.
func (t *Tape[T]) Linear(x, w, b *Var[T], relu bool) *Var[T] {
	in, out := x.Cols(), w.Cols()
	if len(w.Shape) != 2 || w.Shape[0] != in || b != nil && len(b.Data) != out {
		bug("linear layer of shapes %v and %v", x.Shape, w.Shape)
	}
	y := t.result(t.withCols(x.Shape, out), x.Grad != nil || w.Grad != nil || b != nil && b.Grad != nil)
	var bias []T
	if b != nil {
		bias = b.Data
	}
	rows := x.Rows()
	t.multiply(y.Data, x.Data, w.Data, bias, kernel.Product{M: rows, N: out, K: in, LDA: in, LDB: out, LDC: out, ReLU: relu})
	n := node[T]{op: opLinear, y: y, a: x, b: w, c: b}
	if relu {
		n.i = 1
	}
	return t.record(n)
}

// Derivatives of weights are sums over all rows. They are made in a fixed number of chunks, whose
// sums are then added in order: the result doesn't depend on who computed which.
const (
	chunks     = 8
	chunkLeast = 32  // rows
	blockRows  = 128 // of a chunk that are worked on at a time, so that they stay in the cache
)

// split is the number of chunks for rows, and the rows of one.
func split(rows int) (parts, per int) {
	parts = max(1, min(chunks, rows/chunkLeast))
	return parts, (rows + parts - 1) / parts
}

func (t *Tape[T]) backLinear(n *node[T]) {
	x, w := n.a, n.b
	rows, in, out := x.Rows(), x.Cols(), w.Cols()
	parts, per := split(rows)
	task := linearTask[T]{node: n, per: per, relu: n.i == 1, out: out, in: in}
	if task.relu {
		task.scratch = t.mem.Take(t.lane.Workers() * blockRows * out)
	}
	if x.Grad != nil {
		task.turned = t.mem.Take(in * out)
		kernel.Transpose(task.turned, w.Data, in, out)
		task.addX = x.collect()
	}
	if w.Grad != nil {
		task.weights = t.zeros(parts * in * out)
	}
	if n.c != nil && n.c.Grad != nil {
		task.biases = t.zeros(parts * out)
	}
	t.linear = task
	t.lane.Run(parts, &t.linear)
	t.linear = linearTask[T]{}
	gatherChunks(w, task.weights, parts)
	gatherChunks(n.c, task.biases, parts)
}

// gatherChunks adds the chunks' sums to a gradient.
func gatherChunks[T Float](v *Var[T], sums []T, parts int) {
	if sums == nil {
		return
	}
	n := len(sums) / parts
	for i := range parts {
		accumulate(v, sums[i*n:(i+1)*n], 1)
	}
}

// linearTask is the way back through a linear layer, a part being a chunk of rows.
type linearTask[T Float] struct {
	node            *node[T]
	per, in, out    int
	relu, addX      bool
	turned          []T // W transposed, [out, in]
	scratch         []T // of each worker, [blockRows, out]
	weights, biases []T // of each chunk
}

// Part implements pool.Task.
func (t *linearTask[T]) Part(chunk, worker int) {
	n := t.node
	end := min((chunk+1)*t.per, n.a.Rows())
	for from := chunk * t.per; from < end; from += blockRows {
		to := min(from+blockRows, end)
		g := n.y.Grad[from*t.out : to*t.out]
		if t.relu {
			masked := t.scratch[worker*blockRows*t.out:][:len(g)]
			kernel.ReLUMask(masked, n.y.Data[from*t.out:to*t.out], g)
			g = masked
		}
		if t.turned != nil {
			kernel.Gemm(n.a.Grad[from*t.in:to*t.in], g, t.turned, nil,
				kernel.Product{M: to - from, N: t.in, K: t.out, LDA: t.out, LDB: t.in, LDC: t.in, Add: t.addX})
		}
		if t.weights != nil {
			kernel.Gemm(t.weights[chunk*t.in*t.out:][:t.in*t.out], n.a.Data[from*t.in:to*t.in], g, nil,
				kernel.Product{M: t.in, N: t.out, K: to - from, LDA: t.in, LDB: t.out, LDC: t.out, TransA: true, Add: true})
		}
		if t.biases != nil {
			kernel.ColSum(t.biases[chunk*t.out:][:t.out], g)
		}
	}
}
