package windower

import "math"

// minima knows the least of some numbers while they change: a tree whose node i is the lesser of
// nodes 2i and 2i+1. The numbers are its leaves.
type minima []int64

func newMinima(n int) minima {
	m := make(minima, 2*n)
	for i := range m {
		m[i] = math.MaxInt64
	}
	return m
}

// set changes the number at i.
func (m minima) set(i int, v int64) {
	for i += len(m) / 2; m[i] != v; i /= 2 {
		if m[i] = v; i == 1 {
			return
		}
		v = min(v, m[i^1])
	}
}

// least is the least of them.
func (m minima) least() int64 { return m[1] }
