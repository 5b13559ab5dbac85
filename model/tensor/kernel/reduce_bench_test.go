package kernel

import (
	"math/rand/v2"
	"testing"
)

func BenchmarkColSum(b *testing.B) {
	const rows, cols = 128, 192
	rng := rand.New(rand.NewPCG(1, 6))
	dst, src := aligned(rng, cols), aligned(rng, rows*cols)
	for _, impl := range tables() {
		b.Run("rows=128/cols=192/"+impl.name, func(b *testing.B) {
			perElement(b, rows*cols, func() {
				clear(dst)
				impl.colSum(dst, src)
			})
		})
	}
}

func BenchmarkSum(b *testing.B) {
	const n = 65536
	src := aligned(rand.New(rand.NewPCG(2, 6)), n)
	for _, impl := range tables() {
		b.Run("n=65536/"+impl.name, func(b *testing.B) {
			perElement(b, n, func() { impl.sum(src) })
		})
	}
}
