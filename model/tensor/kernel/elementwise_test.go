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
		{name: "reluBack", two: true, exact: true, call: func(t table, dst, a, b []float32, _ float32) { t.reluBack(dst, a, b) },
			expect: func(dst, a, b, _ float64) float64 {
				if a > 0 {
					return dst + b
				}
				return dst
			}},
		{name: "sigmoidBack", two: true, call: func(t table, dst, a, b []float32, _ float32) { t.sigmoidBack(dst, a, b) },
			expect: func(dst, a, b, _ float64) float64 { return dst + b*(a*(1-a)) }},
		{name: "tanhBack", two: true, call: func(t table, dst, a, b []float32, _ float32) { t.tanhBack(dst, a, b) },
			expect: func(dst, a, b, _ float64) float64 { return dst + b*(1-a*a) }},
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
		size := math.Abs(d) + math.Abs(p*float64(s)) + math.Abs(q)*(1+math.Abs(p)+p*p)
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

// TestBackNearItsEnds: where the derivative is small its relative error is too.
func TestBackNearItsEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for _, impl := range tables() {
		dst, y, g := make([]float32, longest), make([]float32, longest), make([]float32, longest)
		for i := range y {
			y[i], g[i] = float32(1-math.Ldexp(1+rng.Float64(), -2-rng.IntN(20))), 1
		}
		impl.sigmoidBack(dst, y, g)
		for i, v := range y {
			if want := float64(v) * (1 - float64(v)); !(math.Abs(float64(dst[i])-want) <= 2e-7*want) {
				t.Fatalf("%s: sigmoid's derivative at %v is %v, expected %v", impl.name, v, dst[i], want)
			}
		}
	}
}

// TestReLUBackKeeps: where nothing is added the bits stay, also those of -0.
func TestReLUBackKeeps(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	for _, impl := range tables() {
		dst, y, g := make([]float32, 37), make([]float32, 37), make([]float32, 37)
		for i := range dst {
			dst[i], g[i] = minus, float32(math.NaN())
		}
		y[5], y[36] = float32(math.NaN()), -1
		impl.reluBack(dst, y, g)
		for i, v := range dst {
			if math.Float32bits(v) != math.Float32bits(minus) {
				t.Fatalf("%s: element %d has become %v", impl.name, i, v)
			}
		}
	}
}

func TestAddRow(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 5))
	for _, impl := range tables() {
		for cols := 1; cols <= longest; cols++ {
			rows := rng.IntN(5)
			dst, src, bias := vectorAt(rng, rows*cols, rng.IntN(17)), vectorAt(rng, rows*cols, rng.IntN(17)), vectorAt(rng, cols, rng.IntN(17))
			addRow(impl.add, dst.v, src.v, bias.v)
			for i, v := range dst.v {
				if v != src.v[i]+bias.v[i%cols] {
					t.Fatalf("%s [%d, %d]: element %d is %v", impl.name, rows, cols, i, v)
				}
			}
			if !dst.intact() || !src.intact() || !bias.intact() {
				t.Fatalf("%s [%d, %d]: wrote outside of its slices", impl.name, rows, cols)
			}
			if addRow(impl.add, src.v, src.v, bias.v); !sameBits(src.v, dst.v) {
				t.Fatalf("%s [%d, %d] in place differs", impl.name, rows, cols)
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
		"reluBack": func() { ReLUBack(two, three, two) }, "sigmoidBack": func() { SigmoidBack(two, two, three) },
		"tanhBack": func() { TanhBack(three, two, three) }, "addRow": func() { AddRow(three, three, two) }, "addRow of none": func() { AddRow(two, two, nil) },
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
