package generated

import (
	"math"
	"reflect"
	"testing"
	"time"

	"presage/replay"
)

func newTestSlicer(t *testing.T, opt Options) *Slicer {
	t.Helper()
	m, err := NewSimulation(opt)
	if err != nil {
		t.Fatal(err)
	}
	return NewSlicer(m)
}

// same compares observations with NaN.
func same(a, b *Observation) bool {
	equal := func(x, y float64) bool { return x == y || x != x && y != y }
	for i := range a.Services {
		x, y := a.Services[i], b.Services[i]
		if !equal(x.TrueMs, y.TrueMs) || !equal(x.Ms, y.Ms) || x.Calls != y.Calls || x.Errors != y.Errors ||
			!equal(x.CPU, y.CPU) || !equal(x.Memory, y.Memory) || x.Replicas != y.Replicas || x.Spans != y.Spans || x.Metrics != y.Metrics {
			return false
		}
	}
	for i := range a.Edges {
		if x, y := a.Edges[i], b.Edges[i]; x.Calls != y.Calls || x.Errors != y.Errors || !equal(x.Ms, y.Ms) {
			return false
		}
	}
	return true
}

func TestForkedSlicerContinuesAsTheOriginal(t *testing.T) {
	s := newTestSlicer(t, Options{Seed: 4, Tick: 5 * time.Second, Incidents: 40, Deployments: 40, Sampling: 0.5})
	r := NewRand(4, 1<<20)
	var seen, copied, other Observation
	for range 100 {
		s.Run(12)
		s.Observe(&r, 0.5, 0.01, &seen)
	}
	fresh := NewRand(99, 1)
	fork, branch := s.Fork(nil), s.Fork(&fresh)
	r2, r3 := r, NewRand(99, 2)
	before := s.m.s.Clone()
	for range 30 {
		fork.Run(12)
		fork.Observe(&r2, 0.5, 0.01, &copied)
		branch.Run(12)
		branch.Observe(&r3, 0.5, 0.01, &other)
	}
	if !reflect.DeepEqual(before, s.m.s) {
		t.Fatal("a fork moved the original")
	}
	for range 30 {
		s.Run(12)
		s.Observe(&r, 0.5, 0.01, &seen)
	}
	if !same(&seen, &copied) {
		t.Error("the fork with the same randomness is elsewhere")
	}
	if same(&seen, &other) {
		t.Error("the fork with fresh randomness is where the original is")
	}
}

// Slices and traces are drawn from the same ticks by different random numbers, so
// counts and means agree in distribution, not one by one. Where a service is overloaded
// they part: a trace meets its own retries and what its failed calls leave out, while slices know
// the mean of all. Such slices are left out here.
func TestSlicesAgreeWithSpans(t *testing.T) {
	opt := Options{
		Seed: 6, Services: 12, Rate: 500, Duration: time.Hour, Tick: 5 * time.Second, Start: defaultStart + int64(9*time.Hour),
		MetricsEvery: -1, ClockSkew: -1, LateShare: -1, Incidents: -1,
	}
	const slices = 60
	spans := map[string]*[slices]struct{ calls, time float64 }{}
	items(t, opt, func(i replay.Item) {
		s := i.Span
		if s == nil || s.Kind != spanServer && s.Kind != spanConsumer {
			return
		}
		name := s.Resource[0].Value.Str
		if spans[name] == nil {
			spans[name] = new([slices]struct{ calls, time float64 })
		}
		if k := int((s.Start - opt.Start) / int64(time.Minute)); k < slices {
			spans[name][k].calls++
			spans[name][k].time += float64(s.End-s.Start) / 1e6
		}
	})
	s := newTestSlicer(t, opt)
	r := NewRand(opt.Seed, 1<<20)
	var seen Observation
	type sums struct{ n, calls, spanCalls, time, spanTime, excess float64 }
	all := make([]sums, len(s.m.w.services))
	names := s.m.Services()
	for k := range slices {
		s.Run(12)
		s.Observe(&r, 1, 0, &seen)
		for i := range all {
			mine, e := spans[names[i]], seen.Services[i]
			if mine == nil || e.Calls == 0 || s.m.s.Services[i].Level > 0 && e.TrueMs > 1500*s.m.s.Services[i].Level {
				continue
			}
			a, c := &all[i], float64(e.Calls)
			a.n, a.calls, a.spanCalls = a.n+1, a.calls+c, a.spanCalls+mine[k].calls
			a.time, a.spanTime = a.time+c*e.Ms, a.spanTime+mine[k].time
			a.excess += (mine[k].calls - c) * (mine[k].calls - c) / (2 * c)
		}
	}
	var excess, ratios []float64
	for i, a := range all {
		if a.n < 10 {
			continue
		}
		mean, slice := a.spanTime/a.spanCalls, a.time/a.calls
		t.Logf("%-12s calls: spans %6.0f slices %6.0f, squared difference in Poisson's %.2f; mean ms: spans %.1f, slices %.1f", names[i], a.spanCalls, a.calls, a.excess/a.n, mean, slice)
		excess, ratios = append(excess, a.excess/a.n), append(ratios, mean/slice)
		if off := math.Abs(a.spanCalls/a.calls - 1); off > 0.04 {
			t.Errorf("%s: spans tell of %.0f calls, slices of %.0f", names[i], a.spanCalls, a.calls)
		}
	}
	if x := median(excess); x > 1.5 {
		t.Errorf("the counts of a slice differ by %.2f times what chance allows", x)
	}
	if x := median(ratios); x < 0.95 || x > 1.05 {
		t.Errorf("by spans calls take %.2f times what they do by slices", x)
	}
}

// The mean of n drawn log-normal calls has the mean, variance and skewness that it
// should have.
func TestDeviationsMoments(t *testing.T) {
	s := newTestSlicer(t, Options{Seed: 1, Services: 3, Rate: 10})
	r := NewRand(8, 8)
	for _, n := range []float64{1, 5, 100} {
		const draws, cv, mean = 400_000, 0.8, 0.02
		var m1, m2, m3 float64
		for range draws {
			x := s.deviation(&r, &groupDraw{count: n, mean: mean}, cv*cv*mean*mean) / mean
			m1, m2, m3 = m1+x/draws, m2+x*x/draws, m3+x*x*x/draws
			if x < -1 {
				t.Fatalf("a mean below zero: %g", x)
			}
		}
		want := cv * cv / n
		skew := (3*cv + cv*cv*cv) / math.Sqrt(n)
		if math.Abs(m1) > 0.01 || math.Abs(m2/want-1) > 0.05 || math.Abs(m3/math.Pow(m2, 1.5)/skew-1) > 0.25 {
			t.Errorf("%g calls: mean %.4f, variance %.4f expected %.4f, skewness %.2f expected %.2f", n, m1, m2, want, m3/math.Pow(m2, 1.5), skew)
		}
	}
}

func TestLawsChangeTheSystem(t *testing.T) {
	plain := newTestSlicer(t, Options{Seed: 3, Services: 60})
	laws := DefaultLaws()
	again := newTestSlicer(t, Options{Seed: 3, Services: 60, Laws: &laws})
	if !reflect.DeepEqual(plain.m.Links(), again.m.Links()) {
		t.Error("the default laws are not the default")
	}
	laws.Tiers = []float64{0.2, 0.2, 0.2, 0.2, 0.2}
	deep := newTestSlicer(t, Options{Seed: 3, Services: 60, Laws: &laws})
	if a, b := len(plain.m.Depths()), len(deep.m.Depths()); b <= a {
		t.Errorf("five tiers: calls go %d deep, with four %d", b, a)
	}
}
