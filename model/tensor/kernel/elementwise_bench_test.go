package kernel

import (
	"math/rand/v2"
	"testing"
)

// perElement runs f and reports the time of each of n elements.
func perElement(b *testing.B, n int, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/element")
}

// aligned is a random slice that begins with a cache line, as large ones from make do.
func aligned(rng *rand.Rand, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = rng.Float32()
	}
	return v
}

func BenchmarkAxpy(b *testing.B) {
	const n = 65536
	rng := rand.New(rand.NewPCG(1, 5))
	dst, src := aligned(rng, n), aligned(rng, n)
	for _, impl := range tables() {
		b.Run("n=65536/"+impl.name, func(b *testing.B) {
			perElement(b, n, func() { impl.axpy(dst, src, 1e-9) })
		})
	}
}
