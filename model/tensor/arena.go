package tensor

// arena hands out slices of large blocks and takes all of them back at once, so that
// training steps of equal size allocate nothing after the first.
type arena[E any] struct {
	blocks [][]E
	block  int // index of the block in use
	used   int // elements taken from it
	least  int // the smallest block, in elements; 0 means smallBlock
}

// The smallest blocks: of what there are a few of, and of the tapes' elements.
const (
	smallBlock   = 1 << 8
	elementBlock = 1 << 16
)

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
	a.blocks = append(a.blocks, make([]E, max(n, a.least, smallBlock)))
	return a.take(n)
}

func (a *arena[E]) reset() { a.block, a.used = 0, 0 }

// held is the number of elements in all blocks.
func (a *arena[E]) held() int {
	n := 0
	for _, b := range a.blocks {
		n += len(b)
	}
	return n
}
