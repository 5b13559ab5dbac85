package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// awkward are numbers that may not spill into the elements beside them.
var awkward = []float32{0, float32(math.Copysign(0, -1)), 1, -1, -2, 2, -30, 30, 88.8, -87.4, -103.9, 1e-40, -1e-40,
	math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}

// sprinkled is a matrix of one row, every fourth element of which is awkward.
func sprinkled(rng *rand.Rand, n int) matrix {
	m := newMatrix(rng, 1, n, 0)
	for i := range m.v {
		m.v[i] *= 10
		if rng.IntN(4) == 0 {
			m.v[i] = awkward[rng.IntN(len(awkward))]
		}
	}
	return m
}

// TestSuiteOfUnaries takes the functions of one argument through lengths, addresses and neighbours at
// random: right by float64, the source as it was, and a part gives that part of the whole.
func TestSuiteOfUnaries(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, impl := range tables() {
		for _, u := range unaries() {
			for range 300 {
				n := 1 + rng.IntN(200)
				src, dst := sprinkled(rng, n), newMatrix(rng, 1, n, 0)
				before := slices.Clone(src.v)
				u.f(impl)(dst.v, src.v)
				if !sameBits(src.v, before) || !src.intact() || !dst.intact() {
					t.Fatalf("%s %s of %d elements wrote where it shouldn't", impl.name, u.name, n)
				}
				for i, x := range src.v {
					if e := off(dst.v[i], u.want(float64(x))); !(e <= 1e-6) {
						t.Fatalf("%s %s of %g is %g", impl.name, u.name, x, dst.v[i])
					}
				}
				from := rng.IntN(n)
				to := from + 1 + rng.IntN(n-from)
				part := slices.Clone(src.v[from:to])
				u.f(impl)(part, part)
				if !sameBits(part, dst.v[from:to]) {
					t.Fatalf("%s %s: elements [%d, %d) of %d differ from those of the whole", impl.name, u.name, from, to, n)
				}
			}
		}
	}
}

// TestSuiteOfGatesBack holds the derivative to a few roundings of its own value, also where
// gates are so nearly shut or open that little is left of it.
func TestSuiteOfGatesBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	for _, impl := range tables() {
		for range 300 {
			rows, c := 1+rng.IntN(3), 1+rng.IntN(100)
			m := func(cols int) matrix { return newMatrix(rng, rows, cols, 0) }
			dIn, dRec, dH, dY, h, keep := m(3*c), m(3*c), m(c), m(c), m(c), m(4*c)
			for i := range rows {
				for j := range c {
					g := keep.v[4*i*c+j:]
					g[0], g[c] = float32(sigmoidOf(8*float64(g[0]))), float32(sigmoidOf(8*float64(g[c])))
					g[2*c] = float32(math.Tanh(4 * float64(g[2*c])))
				}
			}
			sources := []matrix{dY, h, keep}
			var before [][]float32
			for _, s := range sources {
				before = append(before, slices.Clone(s.v))
			}
			impl.gatesBack(dIn.v, dRec.v, dH.v, dY.v, h.v, keep.v, c)
			for i, s := range sources {
				if !sameBits(s.v, before[i]) {
					t.Fatalf("%s [%d, %d]: changed source %d", impl.name, rows, c, i)
				}
			}
			for _, b := range append(sources, dIn, dRec, dH) {
				if !b.intact() {
					t.Fatalf("%s [%d, %d]: wrote outside", impl.name, rows, c)
				}
			}
			near := func(what string, got float32, want float64) {
				if e := off(got, want); !(e <= 1e-6) && math.Abs(want) > 1e-37 { // products of denormal numbers have fewer digits
					t.Fatalf("%s [%d, %d]: %s is %g, expected %g", impl.name, rows, c, what, got, want)
				}
			}
			for i := range rows {
				for j := range c {
					r, z, n, rec := keep.at(0, 4*i*c+j), keep.at(0, 4*i*c+c+j), keep.at(0, 4*i*c+2*c+j), keep.at(0, 4*i*c+3*c+j)
					dy := dY.at(i, j)
					dn := dy * (1 - z) * (1 - n*n)
					dr, dz := dn*rec*r*(1-r), dy*(h.at(i, j)-n)*z*(1-z)
					in, hidden := dIn.v[3*i*c+j:], dRec.v[3*i*c+j:]
					near("dr", in[0], dr)
					near("dz", in[c], dz)
					near("dn", in[2*c], dn)
					near("dr", hidden[0], dr)
					near("dz", hidden[c], dz)
					near("r dn", hidden[2*c], dn*r)
					near("dH", dH.v[i*c+j], dy*z)
				}
			}
		}
	}
}

// TestSuiteOfGates: numbers that aren't finite stay in their own element, and saturated gates give
// what they tend to.
func TestSuiteOfGates(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 3))
	same := func(got float32, want float64) bool {
		return got != got && want != want || float64(got) == want || math.Abs(float64(got)-want) <= 2e-6*max(1, math.Abs(want))
	}
	for _, impl := range tables() {
		for range 300 {
			c := 1 + rng.IntN(100)
			in, rec, h, out, keep := sprinkled(rng, 3*c), sprinkled(rng, 3*c), sprinkled(rng, c), newMatrix(rng, 1, c, 0), newMatrix(rng, 1, 4*c, 0)
			impl.gates(out.v, h.v, in.v, rec.v, keep.v, c)
			for j := range c {
				r := float64(keep.v[j])
				z := float64(keep.v[c+j])
				n := float64(keep.v[2*c+j])
				for what, ok := range map[string]bool{
					"r":         same(keep.v[j], sigmoidOf(float64(in.v[j]+rec.v[j]))),
					"z":         same(keep.v[c+j], sigmoidOf(float64(in.v[c+j]+rec.v[c+j]))),
					"n":         same(keep.v[2*c+j], math.Tanh(in.at(0, 2*c+j)+r*rec.at(0, 2*c+j))),
					"the state": same(out.v[j], n+z*(h.at(0, j)-n)),
				} {
					if !ok {
						t.Fatalf("%s, %d columns: %s of %d is wrong: r %g z %g n %g out %g of h %g", impl.name, c, what, j, r, z, n, out.v[j], h.v[j])
					}
				}
			}
			for _, b := range []matrix{in, rec, h, out, keep} {
				if !b.intact() {
					t.Fatalf("%s, %d columns: wrote outside", impl.name, c)
				}
			}
		}
	}
}
