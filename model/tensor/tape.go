package tensor

import (
	"unsafe"

	"presage/model/tensor/arena"
	"presage/model/tensor/kernel"
	"presage/model/tensor/pool"
)

// Tape records operations in order and plays their derivatives back. It owns the memory
// of every Var that its operations make; steps of equal size allocate nothing after the
// first. One goroutine at a time uses a Tape; large operations are split over its lane's workers.
type Tape[T Float] struct {
	lane      *pool.Lane
	mem       arena.Arena[T]
	shapes    arena.Arena[int]
	made      arena.Arena[Var[T]]
	inputs    arena.Arena[*Var[T]]
	indices   arena.Arena[int32]
	graphs    arena.Arena[*CSR[T]]
	sparses   arena.Arena[CSR[T]]
	nodes     []node[T]
	inference bool

	// The tasks that operations give to the lane, one of a kind.
	products  productTask[T]
	linear    linearTask[T]
	sparse    sparseTask[T]
	recurrent gruTask[T]
	convolved convolveTask[T]

	batched batchTask[T]
	hopping hopTask[T]
	growing graphTask[T]
	cells   cellTask[T]

	extensions extensions[T]
}

// elementBlock is the smallest block of a tape's memory for elements.
const elementBlock = 1 << 16

// NewTape makes a tape that records derivatives. A nil lane means one thread.
func NewTape[T Float](lane *pool.Lane) *Tape[T] {
	return &Tape[T]{lane: lane, mem: arena.Arena[T]{Least: elementBlock}}
}

// NewInference makes a tape that only computes values.
func NewInference[T Float](lane *pool.Lane) *Tape[T] {
	t := NewTape[T](lane)
	t.inference = true
	return t
}

// Reset forgets all operations and takes back the memory of their results.
func (t *Tape[T]) Reset() {
	t.mem.Reset()
	t.shapes.Reset()
	t.made.Reset()
	t.inputs.Reset()
	t.indices.Reset()
	t.graphs.Reset()
	t.sparses.Reset()
	t.extensions.reset()
	t.nodes = t.nodes[:0]
}

// Bytes is the memory that the tape holds for results, gradients and what operations remember.
func (t *Tape[T]) Bytes() int {
	var element T
	return t.mem.Held() * int(unsafe.Sizeof(element))
}

// Backward adds d loss / d v to Grad of every v that loss depends on. loss must hold
// one element.
func (t *Tape[T]) Backward(loss *Var[T]) {
	if len(loss.Data) != 1 {
		bug("Backward from shape %v, expected a scalar", loss.Shape)
	}
	one := t.mem.Take(1)
	one[0] = 1
	t.BackwardFrom(loss, one)
}

// BackwardFrom is Backward of the sum of y times cotangent.
func (t *Tape[T]) BackwardFrom(y *Var[T], cotangent []T) {
	if len(cotangent) != len(y.Data) {
		bug("cotangent of %d elements for shape %v", len(cotangent), y.Shape)
	}
	if y.Grad == nil {
		return // nothing that wants a gradient took part
	}
	accumulate(y, cotangent, 1)
	for i := len(t.nodes) - 1; i >= 0; i-- {
		if n := &t.nodes[i]; n.y.reached() {
			t.back(n)
		}
	}
}

// Buffer is memory of n elements with unspecified content, valid until the next Reset.
func (t *Tape[T]) Buffer(n int) []T { return t.mem.Take(n) }

// zeros is Buffer with zeros.
func (t *Tape[T]) zeros(n int) []T {
	v := t.mem.Take(n)
	clear(v)
	return v
}

// Const wraps data without a gradient; unlike NewConst it allocates nothing.
func (t *Tape[T]) Const(data []T, shape ...int) *Var[T] {
	if len(data) != size(shape) {
		bug("%d elements for a shape of %d", len(data), size(shape))
	}
	v := t.newVar()
	v.Shape, v.Data = t.shape(shape), data
	return v
}

// newVar is an empty Var of the tape's.
func (t *Tape[T]) newVar() *Var[T] {
	v := &t.made.Take(1)[0]
	*v = Var[T]{}
	return v
}

// shape copies a shape into the tape's memory.
func (t *Tape[T]) shape(s []int) []int {
	out := t.shapes.Take(len(s))
	copy(out, s)
	return out
}

// withCols is shape with another last dimension.
func (t *Tape[T]) withCols(shape []int, cols int) []int {
	out := t.shape(shape)
	out[len(out)-1] = cols
	return out
}

// matrix is the shape [rows, cols].
func (t *Tape[T]) matrix(rows, cols int) []int {
	out := t.shapes.Take(2)
	out[0], out[1] = rows, cols
	return out
}

// result makes an uninitialised array of a shape in the tape's memory, with a gradient if wanted.
func (t *Tape[T]) result(shape []int, gradient bool) *Var[T] {
	n := size(shape)
	v := t.newVar()
	v.Shape, v.Data = shape, t.mem.Take(n)
	if gradient && !t.inference {
		v.Grad, v.begun = t.mem.Take(n), &v.own
	}
	return v
}

// view is a Var on memory of another, whose gradient it shares.
func (t *Tape[T]) view(of *Var[T], shape []int) *Var[T] {
	v := t.newVar()
	v.Shape, v.Data, v.Grad, v.begun = shape, of.Data, of.Grad, of.begun
	return v
}

// record keeps what the derivative of the operation that made y needs.
func (t *Tape[T]) record(n node[T]) *Var[T] {
	if n.y.Grad != nil {
		t.nodes = append(t.nodes, n)
	}
	return n.y
}

// accumulate adds scale * g to the gradient of v, if it wants one.
func accumulate[T Float](v *Var[T], g []T, scale T) {
	switch {
	case v.Grad == nil:
	case v.collect():
		kernel.Axpy(v.Grad, g, scale)
	case scale == 1:
		copy(v.Grad, g)
	default:
		kernel.Scale(v.Grad, g, scale)
	}
}
