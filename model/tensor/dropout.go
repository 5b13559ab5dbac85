package tensor

import "math/rand/v2"

// Dropout sets each element to zero with probability p and divides the others by
// 1 - p, so that the expectation stays. A p of 0 or a nil rng returns a itself.
// Sixteen random bits decide an element, so p is exact to 1/65536.
func (t *Tape[T]) Dropout(a *Var[T], p float64, rng *rand.Rand) *Var[T] {
	if p <= 0 || rng == nil {
		return a
	}
	y := t.result(a.Shape, a)
	keep := t.mem.take(len(a.Data))
	scale := T(1 / (1 - p))
	limit := uint64(p * (1 << 16))
	var bits uint64
	for i, v := range a.Data {
		if i%4 == 0 {
			bits = rng.Uint64()
		}
		keep[i] = scale
		if bits&0xffff < limit {
			keep[i] = 0
		}
		bits >>= 16
		y.Data[i] = v * keep[i]
	}
	t.record(y, func() {
		for i := range a.Grad {
			a.Grad[i] += y.Grad[i] * keep[i]
		}
	})
	return y
}
