package alibaba

// slab is a growing array whose elements never move, so that growing copies
// nothing and leaves no garbage.
type slab[T any] struct {
	chunks [][]T
	n      int32
}

const (
	chunkBits = 14
	chunkSize = 1 << chunkBits
)

// at is an element that add returned.
func (s *slab[T]) at(i int32) *T { return &s.chunks[i>>chunkBits][i&(chunkSize-1)] }

// add adds a zero element and returns its index.
func (s *slab[T]) add() int32 {
	if int(s.n) == len(s.chunks)*chunkSize {
		s.chunks = append(s.chunks, make([]T, chunkSize))
	}
	s.n++
	return s.n - 1
}
