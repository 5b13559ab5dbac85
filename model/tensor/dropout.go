package tensor

import (
	"math/rand/v2"

	"presage/model/tensor/kernel"
)

// Dropout sets each element to zero with probability p and divides the others by
// 1 - p, so that the expectation stays. A p of 0 or a nil rng returns a itself.
// Sixteen random bits decide an element, so p is exact to 1/65536.
func (t *Tape[T]) Dropout(a *Var[T], p float64, rng *rand.Rand) *Var[T] {
	if p <= 0 || rng == nil {
		return a
	}
	y := t.result(a.Shape, a.Grad != nil)
	keep := t.mem.Take(len(a.Data))
	factor := [2]T{T(1 / (1 - p)), 0}
	limit := uint64(p * (1 << 16))
	for i := 0; i < len(keep); i += 4 {
		bits := rng.Uint64()
		for j := i; j < min(i+4, len(keep)); j++ {
			// Below the limit the difference borrows: no branch that can't be predicted.
			keep[j] = factor[(bits&0xffff-limit)>>63]
			bits >>= 16
		}
	}
	kernel.Mul(y.Data, a.Data, keep)
	return t.record(node[T]{op: opDropout, y: y, a: a, keep: keep})
}

func backDropout[T Float](n *node[T]) {
	if n.a.collect() {
		kernel.MulAdd(n.a.Grad, n.y.Grad, n.keep)
	} else {
		kernel.Mul(n.a.Grad, n.y.Grad, n.keep)
	}
}
