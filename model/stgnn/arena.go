package stgnn

// arena hands out slices of large blocks and takes all of them back at once, so that batches of
// equal size allocate nothing after the first.
type arena[E any] struct {
	blocks [][]E
	block  int // index of the block in use
	used   int // elements taken from it
}

// leastBlock is the size of the smallest block, in elements.
const leastBlock = 64

// take returns n elements with unspecified content.
func (a *arena[E]) take(n int) []E {
	for a.block < len(a.blocks) {
		if b := a.blocks[a.block]; a.used+n <= len(b) {
			s := b[a.used : a.used+n : a.used+n]
			a.used += n
			return s
		}
		a.block++
		a.used = 0
	}
	// Each block is twice the one before: batches differ in size, and soon all of them fit.
	size := leastBlock
	if k := len(a.blocks); k > 0 {
		size = 2 * len(a.blocks[k-1])
	}
	a.blocks = append(a.blocks, make([]E, max(n, size)))
	return a.take(n)
}

func (a *arena[E]) reset() { a.block, a.used = 0, 0 }

// sized is s with n elements of unspecified content, on the same memory where that is large enough.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n, n+n/8) // services come one by one: not each of them must cost new memory
	}
	return s[:n]
}
