package tensor

import "presage/model/tensor/kernel"

// Convolve is two graph convolutions without biases, max(S max(S x V, 0) W, 0), for slices whose rows
// lie one after the other in x [.., in]; graphs are the slices' matrices S, V is [in, C] and W [C, out]. It
// takes each slice through both while it is in the cache, and computes values only: it is for tapes that record
// nothing. Bit for bit it equals the products one by one.
func (t *Tape[T]) Convolve(x, v, w *Var[T], graphs ...*CSR[T]) *Var[T] {
	if !t.inference {
		bug("Convolve on a tape that records")
	}
	in, middle, out, most, rows := x.Cols(), v.Cols(), w.Cols(), 0, 0
	starts := t.indices.Take(len(graphs))
	for i, g := range graphs {
		starts[i] = int32(rows)
		rows, most = rows+g.Rows, max(most, g.Rows)
	}
	if x.Rows() != rows || v.Rows() != in || w.Rows() != middle {
		bug("convolutions of shapes %v, %v, %v over %d rows of graphs", x.Shape, v.Shape, w.Shape, rows)
	}
	y := t.result(t.matrix(rows, out), false)
	kept := t.graphs.Take(len(graphs))
	copy(kept, graphs)
	t.convolved = convolveTask[T]{x: x.Data, v: v.Data, w: w.Data, y: y.Data, graphs: kept, starts: starts, in: in, middle: middle, out: out,
		most: most, scratch: t.mem.Take(t.lane.Workers() * most * 2 * max(in, middle))}
	t.lane.Run(len(graphs), &t.convolved)
	t.convolved = convolveTask[T]{}
	return y
}

// Inference says whether the tape computes values only.
func (t *Tape[T]) Inference() bool { return t.inference }

// Workers is the number of threads that operations are split over.
func (t *Tape[T]) Workers() int { return t.lane.Workers() }

// convolveTask is both convolutions, a part being a slice.
type convolveTask[T Float] struct {
	x, v, w, y      []T
	graphs          []*CSR[T]
	starts          []int32 // first rows of the slices
	in, middle, out int
	most            int
	scratch         []T // of each worker, two times the rows of the largest slice
}

// Part implements pool.Task.
func (t *convolveTask[T]) Part(i, worker int) {
	g, from := t.graphs[i], int(t.starts[i])
	n, half := g.Rows, t.most*max(t.in, t.middle)
	scratch := t.scratch[worker*2*half : (worker+1)*2*half]
	mixed, hidden := scratch[:half], scratch[half:]
	kernel.SpMM(mixed[:n*t.in], g.RowPtr, g.Col, g.Val, t.x[from*t.in:(from+n)*t.in], t.in, false)
	kernel.Gemm(hidden, mixed, t.v, nil, kernel.Product{M: n, N: t.middle, K: t.in, LDA: t.in, LDB: t.middle, LDC: t.middle, ReLU: true})
	kernel.SpMM(mixed[:n*t.middle], g.RowPtr, g.Col, g.Val, hidden[:n*t.middle], t.middle, false)
	kernel.Gemm(t.y[from*t.out:(from+n)*t.out], mixed, t.w, nil, kernel.Product{M: n, N: t.out, K: t.middle, LDA: t.middle, LDB: t.out, LDC: t.out, ReLU: true})
}
