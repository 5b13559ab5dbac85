package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// longest is the greatest length that the tests of whole slices try: all of the loops' steps occur.
const longest = 200

// vectorAt is a random slice within guards, at any alignment to a vector.
func vectorAt(rng *rand.Rand, n, shift int) matrix {
	m := newMatrix(rng, 1, n+shift, 0)
	for i := range m.v[:shift] {
		m.v[i] = guardNaN
	}
	m.all = m.all[shift:]
	m.v = m.v[shift:]
	m.cols, m.stride = n, n
	return m
}

// elementwiseCase is an operation with what it should give for one element. The exact ones are
// rounded once.
type elementwiseCase struct {
	name   string
	two    bool
	exact  bool
	call   func(t table, dst, a, b []float32, s float32)
	expect func(dst, a, b, s float64) float64
}

func elementwiseCases() []elementwiseCase {
	return []elementwiseCase{
		{name: "axpy", call: func(t table, dst, a, _ []float32, s float32) { t.axpy(dst, a, s) },
			expect: func(dst, a, _, s float64) float64 { return dst + s*a }},
		{name: "scale", exact: true, call: func(t table, dst, a, _ []float32, s float32) { t.scale(dst, a, s) },
			expect: func(_, a, _, s float64) float64 { return s * a }},
		{name: "add", two: true, exact: true, call: func(t table, dst, a, b []float32, _ float32) { t.add(dst, a, b) },
			expect: func(_, a, b, _ float64) float64 { return a + b }},
		{name: "sub", two: true, exact: true, call: func(t table, dst, a, b []float32, _ float32) { t.sub(dst, a, b) },
			expect: func(_, a, b, _ float64) float64 { return a - b }},
		{name: "mul", two: true, exact: true, call: func(t table, dst, a, b []float32, _ float32) { t.mul(dst, a, b) },
			expect: func(_, a, b, _ float64) float64 { return a * b }},
		{name: "mulAdd", two: true, call: func(t table, dst, a, b []float32, _ float32) { t.mulAdd(dst, a, b) },
			expect: func(dst, a, b, _ float64) float64 { return dst + a*b }},
		{name: "relu", exact: true, call: func(t table, dst, a, _ []float32, _ float32) { t.relu(dst, a) },
			expect: func(_, a, _, _ float64) float64 { return max(a, 0) }},
		{name: "reluMask", two: true, exact: true, call: func(t table, dst, a, b []float32, _ float32) { t.reluMask(dst, a, b) },
			expect: func(_, a, b, _ float64) float64 {
				if a > 0 {
					return b
				}
				return 0
			}},
	}
}

// The ways in which dst may be a source.
const (
	apart = iota
	isA
	isB
	isBoth
)

func TestElementwise(t *testing.T) {
	for _, impl := range tables() {
		for _, c := range elementwiseCases() {
			t.Run(impl.name+"/"+c.name, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(1, 5))
				for n := range longest + 1 {
					for _, alias := range []int{apart, isA, isB, isBoth} {
						if alias < isB || c.two {
							c.check(t, impl, rng, n, alias)
						}
					}
				}
			})
		}
	}
}

func (c elementwiseCase) check(t *testing.T, impl table, rng *rand.Rand, n, alias int) {
	dst, a, b := vectorAt(rng, n, rng.IntN(17)), vectorAt(rng, n, rng.IntN(17)), vectorAt(rng, n, rng.IntN(17))
	if n > 0 { // what isn't an ordinary number
		for _, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, float32(math.Copysign(0, -1))} {
			a.v[rng.IntN(n)] = v
		}
	}
	if alias == isA || alias == isBoth {
		a = dst
	}
	if alias == isB || alias == isBoth {
		b = dst
	}
	before, x, y := slices.Clone(dst.v), slices.Clone(a.v), slices.Clone(b.v)
	s := float32(rng.NormFloat64())
	c.call(impl, dst.v, a.v, b.v, s)
	for i, got := range dst.v {
		d, p, q := float64(before[i]), float64(x[i]), float64(y[i])
		want := c.expect(d, p, q, float64(s))
		size := math.Abs(d) + math.Abs(p*float64(s)) + math.Abs(p*q)
		switch {
		case want != want && got != got, float64(got) == want, c.exact && got == float32(want):
		case !c.exact && math.Abs(float64(got)-want) <= 2e-7*size:
		default:
			t.Fatalf("n=%d alias=%d: element %d is %v, expected %v", n, alias, i, got, want)
		}
	}
	if !dst.intact() || !a.intact() || !b.intact() {
		t.Fatalf("n=%d alias=%d: wrote outside of its slices", n, alias)
	}
	if alias == apart && (!sameBits(a.v, x) || !sameBits(b.v, y)) {
		t.Fatalf("n=%d: changed a source", n)
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestElementwiseAnywhere: a part of a slice gives that part of the whole, bit for bit.
func TestElementwiseAnywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 5))
	for _, impl := range tables() {
		for _, c := range elementwiseCases() {
			dst, a, b := vectorAt(rng, longest, 0).v, vectorAt(rng, longest, 0).v, vectorAt(rng, longest, 0).v
			whole := slices.Clone(dst)
			c.call(impl, whole, a, b, 0.3)
			for range 50 {
				from := rng.IntN(longest)
				to := from + rng.IntN(longest-from+1)
				part := slices.Clone(dst[from:to])
				c.call(impl, part, a[from:to], b[from:to], 0.3)
				if !sameBits(part, whole[from:to]) {
					t.Fatalf("%s %s: elements [%d, %d) differ from those of the whole", impl.name, c.name, from, to)
				}
			}
		}
	}
}

// TestLengths: slices of different lengths are a bug of the caller's.
func TestLengths(t *testing.T) {
	two, three := make([]float32, 2), make([]float32, 3)
	for name, f := range map[string]func(){
		"axpy": func() { Axpy(two, three, 1) }, "scale": func() { Scale(three, two, 1) },
		"add": func() { Add(two, two, three) }, "sub": func() { Sub(two, three, two) },
		"mul": func() { Mul(three, two, three) }, "mulAdd": func() { MulAdd(two, two, three) },
		"relu": func() { ReLU(two, three) }, "reluMask": func() { ReLUMask(two, two, three) },
		"dot": func() { Dot(two, three) }, "colSum": func() { ColSum(two, three) }, "colSum of none": func() { ColSum(nil, three) },
		"adam": func() { Adam(two, two, three, two, AdamStep{}) },
	} {
		func() {
			defer func() {
				if s, _ := recover().(string); len(s) < 3 || s[:3] != "BUG" {
					t.Errorf("%s took slices of different lengths: %v", name, fmt.Sprint(s))
				}
			}()
			f()
		}()
	}
}
