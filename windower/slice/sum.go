package slice

import "math/bits"

// Sum is an unsigned 128-bit sum of products: durations in nanoseconds times
// adjusted counts overflow 64 bits, and floats would depend on the order.
type Sum struct{ Hi, Lo uint64 }

// AddProduct adds a × b. Negative factors count as zero.
func (s *Sum) AddProduct(a, b int64) {
	hi, lo := bits.Mul64(uint64(max(a, 0)), uint64(max(b, 0)))
	s.Add(Sum{hi, lo})
}

// Add adds t.
func (s *Sum) Add(t Sum) {
	var carry uint64
	s.Lo, carry = bits.Add64(s.Lo, t.Lo, 0)
	s.Hi, _ = bits.Add64(s.Hi, t.Hi, carry)
}

// Float is the sum as a float64, off by at most one in the last place and the same
// on every machine.
func (s Sum) Float() float64 { return float64(s.Hi)*(1<<64) + float64(s.Lo) }
