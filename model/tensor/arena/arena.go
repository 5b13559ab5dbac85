package arena

// Arena hands out slices of large blocks. The zero value is ready.
type Arena[E any] struct {
	Least int // the smallest block, in elements; 0 means smallBlock

	blocks [][]E
	block  int // index of the block in use
	used   int // elements taken from it
}

// smallBlock serves what there are a few of.
const smallBlock = 1 << 8

// Take returns n elements with unspecified content, valid until Reset.
func (a *Arena[E]) Take(n int) []E {
	for a.block < len(a.blocks) {
		if b := a.blocks[a.block]; a.used+n <= len(b) {
			s := b[a.used : a.used+n : a.used+n]
			a.used += n
			return s
		}
		a.block++
		a.used = 0
	}
	a.blocks = append(a.blocks, make([]E, max(n, a.Least, smallBlock)))
	return a.Take(n)
}

// Reset takes everything back.
func (a *Arena[E]) Reset() { a.block, a.used = 0, 0 }

// Held is the number of elements in all blocks.
func (a *Arena[E]) Held() int {
	n := 0
	for _, b := range a.blocks {
		n += len(b)
	}
	return n
}
