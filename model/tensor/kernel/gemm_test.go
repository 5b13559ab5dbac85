package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// matrix is one within guards: rows lie stride apart in a slice whose every other element is
// a NaN of known bits.
type matrix struct {
	all                []float32
	v                  []float32
	rows, cols, stride int
}

const guard = 24

var guardNaN = math.Float32frombits(0x7fc0beef)

func newMatrix(rng *rand.Rand, rows, cols, extra int) matrix {
	m := matrix{rows: rows, cols: cols, stride: cols + extra}
	n := 0
	if rows > 0 && cols > 0 {
		n = (rows-1)*m.stride + cols
	}
	m.all = make([]float32, n+2*guard)
	for i := range m.all {
		m.all[i] = guardNaN
	}
	m.v = m.all[guard : guard+n : guard+n]
	for i := range rows {
		for j := range cols {
			m.v[i*m.stride+j] = float32(rng.NormFloat64())
		}
	}
	return m
}

// intact says whether every guard is as it was.
func (m matrix) intact() bool {
	for i, v := range m.all {
		at := i - guard
		if at >= 0 && at < len(m.v) && m.cols > 0 && at%m.stride < m.cols {
			continue
		}
		if math.Float32bits(v) != math.Float32bits(guardNaN) {
			return false
		}
	}
	return true
}

func (m matrix) at(i, j int) float64 { return float64(m.v[i*m.stride+j]) }

// TestGemm holds every implementation against sums in float64.
func TestGemm(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				size := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
				extra := func(name string) int { return rapid.IntRange(0, 5).Draw(t, name) }
				yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
				p := Product{M: size("m", 40), N: size("n", 75), K: size("k", 90), TransA: yes("transA"), Add: yes("add"), ReLU: yes("relu")}
				if size("deep", 9) == 0 {
					p.K += deep
				}
				p.After = After(size("after", 2))
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				checkGemm(t, impl, rng, p, extra, !p.Add && yes("bias"))
			})
		})
	}
}

func checkGemm(t *rapid.T, impl table, rng *rand.Rand, p Product, extra func(string) int, biased bool) {
	a := newMatrix(rng, p.M, p.K, extra("lda"))
	if p.TransA {
		a = newMatrix(rng, p.K, p.M, extra("lda"))
	}
	b, c := newMatrix(rng, p.K, p.N, extra("ldb")), newMatrix(rng, p.M, p.N, extra("ldc"))
	p.LDA, p.LDB, p.LDC = a.stride, b.stride, c.stride
	var bias []float32
	if biased {
		bias = newMatrix(rng, 1, p.N, 0).v
	}
	before := slices.Clone(c.v)
	check(p, c.v, a.v, b.v, bias)
	if p.M == 0 || p.N == 0 {
		return
	}
	impl.gemm(c.v, a.v, b.v, bias, p)
	for i := range p.M {
		for j := range p.N {
			sum, size := 0.0, 1.0
			if p.Add {
				sum = float64(before[i*p.LDC+j])
			} else if bias != nil {
				sum = float64(bias[j])
			}
			for k := range p.K {
				x := a.at
				if p.TransA {
					x = func(i, k int) float64 { return a.at(k, i) }
				}
				v := x(i, k) * b.at(k, j)
				sum += v
				size += math.Abs(v)
			}
			if p.ReLU {
				sum = max(sum, 0)
			}
			switch p.After { // neither is steeper than one
			case ThenSigmoid:
				sum = sigmoidOf(sum)
			case ThenTanh:
				sum = math.Tanh(sum)
			}
			if d := math.Abs(c.at(i, j) - sum); !(d <= 1e-6*size) {
				t.Fatalf("%s %+v: element [%d, %d] is %v, expected %v", impl.name, p, i, j, c.at(i, j), sum)
			}
		}
	}
	if !a.intact() || !b.intact() || !c.intact() {
		t.Fatalf("%s %+v: wrote outside of its matrices", impl.name, p)
	}
}

// TestGemmOfNaN: what isn't a number stays so, also through ReLU, and only where it belongs.
func TestGemmOfNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, impl := range tables() {
		a, b, c := make([]float32, 20*3), make([]float32, 3*40), make([]float32, 20*40)
		for i := range b {
			b[i] = 1
		}
		a[7*3+1] = nan
		impl.gemm(c, a, b, nil, Product{M: 20, N: 40, K: 3, LDA: 3, LDB: 40, LDC: 40, ReLU: true})
		for i, v := range c {
			if (v != v) != (i/40 == 7) {
				t.Fatalf("%s: element [%d, %d] is %v", impl.name, i/40, i%40, v)
			}
		}
	}
}

// TestGemmRowsStandAlone is the property that lets a live step equal training, and two workers one.
func TestGemmRowsStandAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, impl := range tables() {
		for _, p := range []Product{{M: 200, N: 112, K: 239}, {M: 63, N: 36, K: 900}, {M: 64, N: 192, K: 700, TransA: true}} {
			a := newMatrix(rng, p.M, p.K, 0)
			if p.TransA {
				a = newMatrix(rng, p.K, p.M, 0)
			}
			b, c := newMatrix(rng, p.K, p.N, 0), newMatrix(rng, p.M, p.N, 0)
			p.LDA, p.LDB, p.LDC = a.stride, b.stride, c.stride
			impl.gemm(c.v, a.v, b.v, nil, p)
			for _, r := range [][2]int{{0, 1}, {5, 9}, {17, 60}, {p.M - 1, p.M}} {
				some := make([]float32, (r[1]-r[0])*p.N)
				part, at, _ := p.Rows(r[0], r[1])
				impl.gemm(some, a.v[at:], b.v, nil, part)
				if !slices.Equal(some, c.v[r[0]*p.N:r[1]*p.N]) {
					t.Errorf("%s %+v: rows %v differ from the same rows of the whole product", impl.name, p, r)
				}
			}
		}
	}
}

// TestGemmPastTheCaches: what is too large for them is the same as its parts alone, masked columns too.
func TestGemmPastTheCaches(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 7))
	for _, impl := range tables() {
		for _, n := range []int{80, 83} {
			p := Product{M: pastCache/4/n + 5, N: n, K: 2, LDA: 2, LDB: n, LDC: 96, ReLU: true}
			a, b, c := newMatrix(rng, p.M, p.K, 0), newMatrix(rng, p.K, n, 0), make([]float32, p.M*p.LDC)
			impl.gemm(c, a.v, b.v, nil, p)
			for _, from := range []int{0, p.M / 2, p.M - 20} {
				some := make([]float32, 20*p.LDC)
				alone := p
				alone.M = 20
				impl.gemm(some, a.v[from*2:], b.v, nil, alone)
				for i := range 20 {
					if !slices.Equal(some[i*p.LDC:i*p.LDC+n], c[(from+i)*p.LDC:(from+i)*p.LDC+n]) {
						t.Fatalf("%s, %d columns: row %d differs from the same row alone", impl.name, n, from+i)
					}
				}
			}
		}
	}
}

// TestGemmAgrees: the two sets of instructions give the same bits.
func TestGemmAgrees(t *testing.T) {
	impls := tables()
	if len(impls) < 3 {
		t.Skipf("only %d implementations run on this processor", len(impls))
	}
	rng := rand.New(rand.NewPCG(3, 2))
	a, b := newMatrix(rng, 50, 100, 0), newMatrix(rng, 100, 77, 0)
	var out [2][]float32
	for i, impl := range impls[1:] {
		out[i] = make([]float32, 50*77)
		impl.gemm(out[i], a.v, b.v, nil, Product{M: 50, N: 77, K: 100, LDA: 100, LDB: 77, LDC: 77})
	}
	if !slices.Equal(out[0], out[1]) {
		t.Error("AVX2 and AVX-512 differ")
	}
}

func TestTranspose(t *testing.T) {
	for _, s := range [][2]int{{1, 1}, {3, 50}, {64, 192}, {17, 33}} {
		src, dst := make([]float32, s[0]*s[1]), make([]float32, s[0]*s[1])
		for i := range src {
			src[i] = float32(i)
		}
		Transpose(dst, src, s[0], s[1])
		for i, v := range src {
			if dst[i%s[1]*s[0]+i/s[1]] != v {
				t.Fatalf("%v: element %d is in the wrong place", s, i)
			}
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, impl := range tables()[len(tables())-1:] {
		for _, m := range []int{200, 1000, 5000, 60000} {
			for _, n := range []int{64, 112, 128, 192} {
				b.Run(fmt.Sprintf("%s/m=%d/n=%d", impl.name, m, n), func(b *testing.B) {
					rng := rand.New(rand.NewPCG(1, 2))
					x, w, y := newMatrix(rng, m, 64, 0), newMatrix(rng, 64, n, 0), newMatrix(rng, m, n, 0)
					p := Product{M: m, N: n, K: 64, LDA: 64, LDB: n, LDC: n}
					b.ReportAllocs()
					for b.Loop() {
						impl.gemm(y.v, x.v, w.v, nil, p)
					}
					b.ReportMetric(2*float64(m)*float64(n)*64*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
