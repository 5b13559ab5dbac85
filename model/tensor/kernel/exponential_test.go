package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// unary is a function of one argument and what it should be.
type unary struct {
	name string
	f    func(table) func(dst, src []float32)
	want func(float64) float64
}

func unaries() []unary {
	return []unary{
		{"Exp", func(t table) func(_, _ []float32) { return t.exp }, math.Exp},
		{"Expm1", func(t table) func(_, _ []float32) { return t.expm1 }, math.Expm1},
		{"Log1p", func(t table) func(_, _ []float32) { return t.log1p }, math.Log1p},
		{"Sigmoid", func(t table) func(_, _ []float32) { return t.sigmoid }, sigmoidOf},
		{"Tanh", func(t table) func(_, _ []float32) { return t.tanh }, math.Tanh},
		{"Softplus", func(t table) func(_, _ []float32) { return t.softplus }, softplusOf},
		{"Compress", func(t table) func(_, _ []float32) { return t.compress }, compressOf},
	}
}

// off is the relative error of got, or zero where it is within two steps of the denormal numbers.
func off(got float32, want float64) float64 {
	const step = 1.401298464324817e-45
	w := float64(float32(want))
	switch {
	case math.IsNaN(want):
		if got != got {
			return 0
		}
		return math.Inf(1)
	case math.IsInf(w, 0) || math.IsInf(float64(got), 0):
		if float64(got) == w || math.Abs(want) > 0.999999*math.MaxFloat32 && math.Abs(float64(got)) > 0.999999*math.MaxFloat32 {
			return 0
		}
		return math.Inf(1)
	}
	d := math.Abs(float64(got) - want)
	if d <= 2*step {
		return 0
	}
	return d / math.Abs(want)
}

// TestExponentials goes through all of float32 in steps, and through the numbers that are special.
func TestExponentials(t *testing.T) {
	stride := uint64(977)
	if testing.Short() {
		stride *= 64
	}
	special := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 2, -2, 88.7, 88.8, -87.4, -103.9, -104, -8, -9, -16.6, -17.4, 9.1,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}
	for _, impl := range tables() {
		for _, u := range unaries() {
			worst, at := 0.0, float32(0)
			src, dst := make([]float32, 0, 4096), make([]float32, 4096)
			check := func() {
				u.f(impl)(dst[:len(src)], src)
				for i, x := range src {
					if e := off(dst[i], u.want(float64(x))); e > worst {
						worst, at = e, x
					}
				}
				src = src[:0]
			}
			src = append(src, special...)
			check()
			for bits := uint64(0); bits < 1<<32; bits += stride {
				if src = append(src, math.Float32frombits(uint32(bits))); len(src) == cap(src) {
					check()
				}
			}
			if len(src) > 0 {
				check()
			}
			t.Logf("%-6s %-8s largest relative error %.2g, at %g", impl.name, u.name, worst, at)
			if !(worst <= 1e-6) {
				t.Errorf("%s %s: relative error %g at %g", impl.name, u.name, worst, at)
			}
		}
	}
}

// TestExponentialsOfZero: a zero, or what is next to nothing, gives the sign that the function has there.
func TestExponentialsOfZero(t *testing.T) {
	const least = math.SmallestNonzeroFloat32
	src := []float32{0, float32(math.Copysign(0, -1)), least, -least}
	for _, impl := range tables() {
		for _, u := range unaries() {
			dst := make([]float32, len(src))
			u.f(impl)(dst, src)
			for i, x := range src {
				if want := u.want(float64(x)); math.Signbit(float64(dst[i])) != math.Signbit(want) {
					t.Errorf("%s %s of %g is %g, expected %g", impl.name, u.name, x, dst[i], want)
				}
			}
		}
	}
}

// TestExponentialsKeepToThemselves: no element of another place changes a result, and nothing outside
// of the slices is read or written.
func TestExponentialsKeepToThemselves(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, impl := range tables() {
		for _, u := range unaries() {
			for n := 1; n < 70; n++ {
				src, dst := newMatrix(rng, 1, n, 0), newMatrix(rng, 1, n, 0)
				u.f(impl)(dst.v, src.v)
				if !src.intact() || !dst.intact() {
					t.Fatalf("%s %s of %d elements wrote outside", impl.name, u.name, n)
				}
				alone := make([]float32, 1)
				for i := range n {
					u.f(impl)(alone, src.v[i:i+1])
					if math.Float32bits(alone[0]) != math.Float32bits(dst.v[i]) {
						t.Fatalf("%s %s: element %d of %d is %g, alone %g", impl.name, u.name, i, n, dst.v[i], alone[0])
					}
				}
				u.f(impl)(src.v, src.v)
				for i := range n {
					if math.Float32bits(src.v[i]) != math.Float32bits(dst.v[i]) {
						t.Fatalf("%s %s in place differs", impl.name, u.name)
					}
				}
			}
		}
	}
}

func BenchmarkExp(b *testing.B)      { benchmarkUnary(b, best.exp) }
func BenchmarkExpm1(b *testing.B)    { benchmarkUnary(b, best.expm1) }
func BenchmarkLog1p(b *testing.B)    { benchmarkUnary(b, best.log1p) }
func BenchmarkSigmoid(b *testing.B)  { benchmarkUnary(b, best.sigmoid) }
func BenchmarkTanh(b *testing.B)     { benchmarkUnary(b, best.tanh) }
func BenchmarkSoftplus(b *testing.B) { benchmarkUnary(b, best.softplus) }
func BenchmarkCompress(b *testing.B) { benchmarkUnary(b, best.compress) }

func benchmarkUnary(b *testing.B, f func(dst, src []float32)) {
	const n = 65536
	b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
		m := newMatrix(rand.New(rand.NewPCG(1, 1)), 1, n, 0)
		out := make([]float32, n)
		b.SetBytes(8 * n)
		for b.Loop() {
			f(out, m.v)
		}
	})
}
