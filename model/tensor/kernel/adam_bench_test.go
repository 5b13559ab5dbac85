package kernel

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkAdam(b *testing.B) {
	const n = 100000
	rng := rand.New(rand.NewPCG(1, 7))
	var p [4][]float32
	for i := range p {
		p[i] = aligned(rng, n)
	}
	s := AdamStep{Scale: 1, Keep: 1, Beta1: 1, Beta2: 1, Rate: 1e-3, Root: 1, Epsilon: 1e-8} // no moment fades to a denormal
	b.Run("n=100000", func(b *testing.B) {
		perElement(b, n, func() { best.adam(p[0], p[1], p[2], p[3], s) })
	})
}
