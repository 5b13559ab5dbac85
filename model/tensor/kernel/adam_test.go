package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func adamSteps() []AdamStep {
	return []AdamStep{
		{Scale: 1, Keep: 1, Beta1: 0.9, Beta2: 0.999, Rate: 0.01, Root: 0.0316, Epsilon: 1e-8},
		{Scale: 0.25, Decay: 0.01, Keep: 1, Beta1: 0.9, Beta2: 0.98, Rate: 0.1, Root: 0.7, Epsilon: 1e-5},
		{Scale: 1, Keep: 0.999, Beta1: 0.5, Beta2: 0.9, Rate: 1e-3, Root: 1, Epsilon: 1e-3},
	}
}

func TestAdam(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 7))
			for n := range longest + 1 {
				for _, s := range adamSteps() {
					checkAdam(t, impl, rng, n, s)
				}
			}
		})
	}
}

func checkAdam(t *testing.T, impl table, rng *rand.Rand, n int, s AdamStep) {
	var p [4]matrix // w, g, m, v
	for i := range p {
		p[i] = vectorAt(rng, n, rng.IntN(17))
	}
	for i := range p[3].v {
		p[3].v[i] *= p[3].v[i] // no square is negative
	}
	if n > 0 { // at rest: no gradient yet
		i := rng.IntN(n)
		p[1].v[i], p[2].v[i], p[3].v[i] = 0, 0, 0
	}
	w, g, m, v := slices.Clone(p[0].v), slices.Clone(p[1].v), slices.Clone(p[2].v), slices.Clone(p[3].v)
	impl.adam(p[0].v, p[1].v, p[2].v, p[3].v, s)
	near := func(what string, i int, got float32, want, size float64) {
		if !(math.Abs(float64(got)-want) <= 1e-6*size) {
			t.Fatalf("n=%d %+v: %s[%d] is %v, expected %v", n, s, what, i, got, want)
		}
	}
	for i := range w {
		x := float64(w[i])
		d := float64(g[i])*float64(s.Scale) + float64(s.Decay)*x
		m1 := float64(s.Beta1)*float64(m[i]) + (1-float64(s.Beta1))*d
		v1 := float64(s.Beta2)*float64(v[i]) + float64(1-s.Beta2)*d*d
		step := float64(s.Rate) * m1 / (math.Sqrt(v1)/float64(s.Root) + float64(s.Epsilon))
		scale := math.Abs(float64(m[i])) + math.Abs(float64(g[i])) + math.Abs(x)
		near("m", i, p[2].v[i], m1, scale)
		near("v", i, p[3].v[i], v1, float64(v[i])+scale*scale)
		root := math.Sqrt(v1)/float64(s.Root) + float64(s.Epsilon)
		near("w", i, p[0].v[i], float64(s.Keep)*x-step, math.Abs(x)+math.Abs(step)+float64(s.Rate)*scale*(1+scale)/root)
		if p[1].v[i] != 0 {
			t.Fatalf("n=%d: the gradient is left at %v", n, p[1].v[i])
		}
	}
	for i := range p {
		if !p[i].intact() {
			t.Fatalf("n=%d: wrote outside of slice %d", n, i)
		}
	}
}

// TestAdamAnywhere: a part of the weights gives that part of the whole, bit for bit.
func TestAdamAnywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 7))
	s := adamSteps()[1]
	for _, impl := range tables() {
		var before, whole [4][]float32
		for i := range before {
			before[i] = vectorAt(rng, longest, 0).v
			for j, v := range before[i] {
				before[i][j] = v * v
			}
			whole[i] = slices.Clone(before[i])
		}
		impl.adam(whole[0], whole[1], whole[2], whole[3], s)
		for range 50 {
			from := rng.IntN(longest)
			to := from + rng.IntN(longest-from+1)
			var part [4][]float32
			for i := range part {
				part[i] = slices.Clone(before[i][from:to])
			}
			impl.adam(part[0], part[1], part[2], part[3], s)
			for i := range part {
				if !sameBits(part[i], whole[i][from:to]) {
					t.Fatalf("%s: elements [%d, %d) of slice %d differ from those of the whole", impl.name, from, to, i)
				}
			}
		}
	}
}

// TestAdamOfNaN: a gradient that isn't a number reaches its own weight only.
func TestAdamOfNaN(t *testing.T) {
	for _, impl := range tables() {
		for i := range 37 {
			var p [4][]float32
			for j := range p {
				p[j] = make([]float32, 37)
			}
			p[1][i] = float32(math.NaN())
			impl.adam(p[0], p[1], p[2], p[3], adamSteps()[0])
			for j, w := range p[0] {
				if (w != w) != (j == i) || p[1][j] != 0 {
					t.Fatalf("%s: a NaN at %d makes weight %d %v, its gradient %v", impl.name, i, j, w, p[1][j])
				}
			}
		}
	}
}
