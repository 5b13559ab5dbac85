package generated

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestExpAndLnAgreeWithMath(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-600, 600).Draw(t, "x")
		if got, want := exp(x), math.Exp(x); math.Abs(got/want-1) > 1e-13 {
			t.Fatalf("exp(%g) = %g, want %g", x, got, want)
		}
		y := rapid.Float64Range(1e-300, 1e300).Draw(t, "y")
		if got, want := ln(y), math.Log(y); math.Abs(got-want) > 1e-13*max(1, math.Abs(want)) {
			t.Fatalf("ln(%g) = %g, want %g", y, got, want)
		}
	})
}

func TestNormalTail(t *testing.T) {
	for _, z := range []float64{-4, -1, -0.1, 0, 0.3, 1, 2.5, 5} {
		want := math.Erfc(z/math.Sqrt2) / 2
		if got := normalTail(z); math.Abs(got/want-1) > 2e-7 {
			t.Errorf("tail above %g is %g, want %g", z, got, want)
		}
	}
}

func TestSamplersHaveTheirMoments(t *testing.T) {
	const n = 200_000
	moments := func(draw func(r *Rand) float64) (mean, deviation float64) {
		r := NewRand(7, 1)
		var sum, square float64
		for range n {
			x := draw(&r)
			sum += x
			square += x * x
		}
		mean = sum / n
		return mean, math.Sqrt(square/n - mean*mean)
	}
	for _, c := range []struct {
		name            string
		draw            func(r *Rand) float64
		mean, deviation float64
	}{
		{"unit", (*Rand).unit, 0.5, math.Sqrt(1.0 / 12)},
		{"normal", (*Rand).normal, 0, 1},
		{"exponential", (*Rand).exponential, 1, 1},
		{"log-normal", func(r *Rand) float64 { return r.logNormal(0.8) }, 1, math.Sqrt(math.Exp(0.64) - 1)},
		{"poisson 3", func(r *Rand) float64 { return float64(r.poisson(3)) }, 3, math.Sqrt(3)},
		{"poisson 100", func(r *Rand) float64 { return float64(r.poisson(100)) }, 100, 10},
	} {
		mean, deviation := moments(c.draw)
		if math.Abs(mean-c.mean) > 0.015*max(1, c.mean) || math.Abs(deviation/c.deviation-1) > 0.04 {
			t.Errorf("%s: mean %.3f, deviation %.3f, want %.3f, %.3f", c.name, mean, deviation, c.mean, c.deviation)
		}
	}
}

func TestOrnsteinKeepsItsDeviation(t *testing.T) {
	r := NewRand(3, 1)
	x, square := 0.0, 0.0
	const n = 400_000
	for range n {
		x = r.ornstein(x, 0.9, 0.08)
		square += x * x
	}
	if got := math.Sqrt(square / n); math.Abs(got/0.08-1) > 0.03 {
		t.Errorf("deviation %.4f, want 0.08", got)
	}
}

func TestCopyOfRandContinues(t *testing.T) {
	a := NewRand(1, 2)
	a.normal() // leaves a spare
	b := a
	for i := range 100 {
		if x, y := a.normal(), b.normal(); x != y {
			t.Fatalf("draw %d: %g and %g", i, x, y)
		}
	}
}
