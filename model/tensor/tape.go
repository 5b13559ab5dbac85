package tensor

// Tape records operations in order and plays their derivatives back. It owns the memory
// of every Var that its operations make. One goroutine at a time uses a Tape.
type Tape[T Float] struct {
	mem       arena[T]
	back      []func()
	inference bool
}

// NewTape makes a tape that records derivatives.
func NewTape[T Float]() *Tape[T] { return &Tape[T]{} }

// NewInference makes a tape that only computes values.
func NewInference[T Float]() *Tape[T] { return &Tape[T]{inference: true} }

// Reset forgets all operations and takes back the memory of their results.
func (t *Tape[T]) Reset() {
	t.mem.reset()
	clear(t.back)
	t.back = t.back[:0]
}

// Backward adds d loss / d v to Grad of every v that loss depends on. loss must hold
// one element.
func (t *Tape[T]) Backward(loss *Var[T]) {
	if len(loss.Data) != 1 {
		bug("Backward from shape %v, expected a scalar", loss.Shape)
	}
	t.BackwardFrom(loss, []T{1})
}

// BackwardFrom is Backward of the sum of y times cotangent.
func (t *Tape[T]) BackwardFrom(y *Var[T], cotangent []T) {
	if len(cotangent) != len(y.Data) {
		bug("cotangent of %d elements for shape %v", len(cotangent), y.Shape)
	}
	if y.Grad == nil {
		return // nothing that wants a gradient took part
	}
	for i, c := range cotangent {
		y.Grad[i] += c
	}
	for i := len(t.back) - 1; i >= 0; i-- {
		t.back[i]()
	}
}

// result makes an uninitialised array, with a zero gradient if one of from has a gradient.
func (t *Tape[T]) result(shape []int, from ...*Var[T]) *Var[T] {
	n := size(shape)
	v := &Var[T]{Shape: shape, Data: t.mem.take(n)}
	if t.inference {
		return v
	}
	for _, f := range from {
		if f.Grad != nil {
			v.Grad = t.mem.take(n)
			clear(v.Grad)
			break
		}
	}
	return v
}

// record keeps the derivative of the operation that made v.
func (t *Tape[T]) record(v *Var[T], back func()) {
	if v.Grad != nil {
		t.back = append(t.back, back)
	}
}

// arena hands out slices of large blocks and takes all of them back at once, so that
// training steps of equal size allocate nothing after the first.
type arena[T Float] struct {
	blocks [][]T
	block  int // index of the block in use
	used   int // elements taken from it
}

// arenaBlock is the smallest block, in elements.
const arenaBlock = 1 << 16

// take returns n elements with unspecified content.
func (a *arena[T]) take(n int) []T {
	for a.block < len(a.blocks) {
		if b := a.blocks[a.block]; a.used+n <= len(b) {
			s := b[a.used : a.used+n : a.used+n]
			a.used += n
			return s
		}
		a.block++
		a.used = 0
	}
	a.blocks = append(a.blocks, make([]T, max(n, arenaBlock)))
	return a.take(n)
}

func (a *arena[T]) reset() { a.block, a.used = 0, 0 }
