package generated

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"
	"time"

	"presage/replay"
)

// system is a world with its state, for tests that step by hand.
type system struct {
	w *world
	s *State
	t *Tick
	r Rand
}

func newSystem(t testing.TB, opt Options) *system {
	t.Helper()
	opt, err := opt.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(opt)
	return &system{w, w.newState(), w.newTick(), NewRand(opt.Seed, streamStep)}
}

func (y *system) run(ticks int, each func(t *Tick)) {
	for range ticks {
		y.w.step(y.s, &y.r, y.t)
		if each != nil {
			each(y.t)
		}
	}
}

// calm are options without events.
func calm(seed uint64) Options {
	return Options{Seed: seed, Incidents: -1, Deployments: -1, Bursts: -1}
}

func TestCloneContinuesAsTheOriginal(t *testing.T) {
	y := newSystem(t, Options{Seed: 3, Incidents: 30, Deployments: 60})
	y.run(1500, nil)
	copied := &system{y.w, y.s.Clone(), y.w.newTick(), y.r}
	frozen := y.s.Clone()
	for k := range 600 {
		y.run(1, nil)
		copied.run(1, nil)
		if !reflect.DeepEqual(y.s, copied.s) {
			t.Fatalf("after %d ticks the copy is elsewhere", k+1)
		}
	}
	if reflect.DeepEqual(y.s, frozen) {
		t.Fatal("nothing moved")
	}
	other := &system{y.w, frozen.Clone(), y.w.newTick(), NewRand(99, 99)}
	other.run(600, nil)
	if reflect.DeepEqual(y.s, other.s) {
		t.Error("fresh randomness gives the same continuation")
	}
}

func TestForksHaveTheSameFutureOnlyWithTheSameRandomness(t *testing.T) {
	a, err := NewSimulation(Options{Seed: 3, Incidents: 30})
	if err != nil {
		t.Fatal(err)
	}
	for range 600 {
		a.Step()
	}
	fresh := NewRand(1, 1)
	same, other := a.Fork(nil), a.Fork(&fresh)
	apart := false
	for range 300 {
		want := a.Step().Services[0]
		if got := same.Step().Services[0]; got.Response != want.Response || got.Arrivals != want.Arrivals {
			t.Fatalf("a fork answers in %g s, the original in %g s", got.Response, want.Response)
		}
		apart = apart || other.Step().Services[0].Arrivals != want.Arrivals
	}
	if !apart {
		t.Error("fresh randomness changes nothing")
	}
	if names := a.Services(); len(names) != len(a.t.Services) || names[0] != "gateway" {
		t.Errorf("services %v", names)
	}
}

func TestCallsAreNeitherMadeNorLost(t *testing.T) {
	y := newSystem(t, Options{Seed: 5})
	for i := range y.w.services {
		// What a service passes on in the long run is what it got, refusals apart.
		var in, out, refused float64
		z := newSystem(t, Options{Seed: 5})
		z.run(900, func(tick *Tick) {
			in += tick.Services[i].Arrivals
			refused += tick.Services[i].Refused * tick.Services[i].Arrivals
			for _, p := range z.w.places[z.w.first[i]:z.w.first[i+1]] {
				out += tick.passed[p.api][p.variant][p.node]
			}
		})
		left := z.s.Services[i].Backlog
		if math.Abs(in-refused-left-out) > 0.05*in+20 {
			t.Errorf("%s: %.0f came, %.0f were refused, %.0f wait, %.0f were passed on", y.w.services[i].name, in, refused, left, out)
		}
		if i > 12 {
			break
		}
	}
}

// TestLittlesLaw counts calls in flight at regular instants.
func TestLittlesLaw(t *testing.T) {
	var spans []*replay.Span
	length := 20 * time.Minute
	opt := calm(6)
	opt.Duration, opt.ClockSkew = length, -1
	items(t, opt, func(i replay.Item) {
		if i.Span != nil && i.Span.Kind == spanServer && i.Span.Resource[0].Value.Str == "gateway" {
			spans = append(spans, i.Span)
		}
	})
	inFlight, sum := 0.0, 0.0
	const step = int64(500 * time.Millisecond)
	for _, s := range spans {
		first := (s.Start - defaultStart + step - 1) / step
		last := (s.End - defaultStart) / step
		inFlight += float64(last - first + 1)
		sum += float64(s.End - s.Start)
	}
	inFlight /= float64(length) / float64(step)
	rate := float64(len(spans)) / length.Seconds()
	if want := rate * sum / float64(len(spans)) / 1e9; math.Abs(inFlight/want-1) > 0.02 {
		t.Errorf("%.2f calls in flight, rate times time is %.2f", inFlight, want)
	}
}

func TestLoadSlowsTheSystemDown(t *testing.T) {
	mean := func(load float64) float64 {
		y := newSystem(t, calm(7))
		y.w.rate *= load
		var sum, calls float64
		y.run(1200, func(tick *Tick) {
			sum += tick.Services[0].Response * tick.Services[0].Arrivals
			calls += tick.Services[0].Arrivals
		})
		return sum / calls
	}
	low, usual, high := mean(0.4), mean(1), mean(1.8)
	if !(low*1.1 < usual && usual*1.2 < high) {
		t.Errorf("the entry takes %.0f, %.0f, %.0f ms at 0.4, 1 and 1.8 times the load", low*1e3, usual*1e3, high*1e3)
	}
}

func TestRetriesAmplify(t *testing.T) {
	arrivals := func(retries int, budget float64) float64 {
		y := newSystem(t, calm(8))
		victim := y.victim()
		for _, e := range y.w.incoming[victim] {
			y.w.edges[e].retries, y.w.edges[e].budget, y.w.edges[e].breaker = retries, budget, false
		}
		y.s.Faults = append(y.s.Faults, Fault{Kind: FaultErrors, Service: int32(victim), API: -1, Size: 0.5, Remove: 1 << 40, Onset: -1, End: -1, Before: 1})
		sum := 0.0
		y.run(600, func(tick *Tick) { sum += tick.Services[victim].Arrivals })
		return sum
	}
	none, free, budget := arrivals(0, 2), arrivals(3, 2), arrivals(3, 0.15)
	if free < 1.6*none {
		t.Errorf("three retries of calls of which half fail: %.0f calls in place of %.0f", free, none)
	}
	if budget > 1.3*none || budget < none {
		t.Errorf("with a budget of 15 %%: %.0f calls in place of %.0f", budget, none)
	}
}

// victim is the busiest service behind the gateways.
func (y *system) victim() int {
	best := -1
	for i := range y.w.services {
		if y.w.services[i].tier > 0 && y.w.services[i].kind == kindApp && (best < 0 || y.w.loads[i] > y.w.loads[best]) {
			best = i
		}
	}
	return best
}

func TestBreakersOpenAndClose(t *testing.T) {
	y := newSystem(t, calm(8))
	victim := y.victim()
	e := y.w.incoming[victim][0]
	for _, k := range y.w.incoming[victim] {
		y.w.edges[k].breaker = true
	}
	y.s.Faults = append(y.s.Faults, Fault{Kind: FaultErrors, Service: int32(victim), API: -1, Size: 0.9, Remove: 200, Onset: -1, End: -1, Before: 1})
	open := 0
	y.run(200, func(tick *Tick) {
		if tick.Edges[e].Open > 0 {
			open++
		}
	})
	y.run(120, nil)
	if open < 100 || y.t.Edges[e].Open > 0 {
		t.Errorf("open for %d of 200 failing ticks, in the end %.1f", open, y.t.Edges[e].Open)
	}
}

func TestIncidentsAreFelt(t *testing.T) {
	for kind := FaultLeak; kind < faultKinds; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			y := newSystem(t, calm(11))
			y.run(600, nil)
			victim := y.victim()
			f := Fault{ID: 1, Kind: kind, Service: int32(victim), API: -1, Size: 1.5, Begin: y.s.Tick, Remove: y.s.Tick + 600, Onset: -1, End: -1}
			switch kind {
			case FaultSurge:
				f.API, f.Service = 0, 0
			case FaultErrors, FaultCrash:
				f.Size = 0.6
			case FaultNetwork:
				f.Size = 0.3
			case FaultDatabase:
				for i := range y.w.services {
					if y.w.services[i].kind == kindDatabase && y.w.loads[i] > y.w.loads[f.Service] || y.w.services[f.Service].kind != kindDatabase {
						f.Service = int32(i)
					}
				}
			}
			f.Before = y.s.Services[f.Service].Level
			y.s.Faults = append(y.s.Faults, f)
			var ended []Fault
			y.run(2700, func(tick *Tick) { ended = append(ended, tick.Ended...) })
			if len(ended) != 1 {
				t.Fatalf("%d incidents ended", len(ended))
			}
			got := ended[0]
			if got.Onset < f.Begin || got.End < got.Onset || got.Peak <= f.Before {
				t.Errorf("onset %d, end %d, %.1f ms before, %.1f ms at the peak", got.Onset-f.Begin, got.End-f.Begin, f.Before*1e3, got.Peak*1e3)
			}
			if kind.Precursor() && got.Onset == f.Begin {
				t.Error("no precursor")
			}
		})
	}
}

func TestTruthFile(t *testing.T) {
	var truth bytes.Buffer
	items(t, Options{Seed: 12, Services: 15, Rate: 50, Hours: 3, Incidents: 8, Truth: &truth}, func(replay.Item) {})
	kinds := map[string]int{}
	lines := 0
	for dec := json.NewDecoder(&truth); dec.More(); lines++ {
		var in Incident
		if err := dec.Decode(&in); err != nil {
			t.Fatal(err)
		}
		kinds[in.Cause]++
		if in.Service == "" || len(in.Path) == 0 || in.Path[len(in.Path)-1] != in.Service || in.Remove < in.Begin {
			t.Errorf("incident %+v", in)
		}
		if in.End != 0 && in.Onset != 0 && in.End < in.Onset {
			t.Errorf("over before it was felt: %+v", in)
		}
	}
	if lines < 8 || len(kinds) < 4 {
		t.Errorf("%d incidents of kinds %v in three hours of eight", lines, kinds)
	}
}

func TestAutoscalerAddsReplicasLate(t *testing.T) {
	y := newSystem(t, calm(13))
	i, most := -1, 0.0
	for k, svc := range y.w.services {
		if busy := y.w.loads[k] * svc.work / float64(svc.replicas*svc.slots); svc.maxReplicas > svc.replicas && busy > most {
			i, most = k, busy
		}
	}
	if i < 0 {
		t.Skip("no service of this seed scales")
	}
	before := len(y.s.Services[i].Replicas)
	y.s.Faults = append(y.s.Faults, Fault{Kind: FaultCreep, Service: int32(i), API: -1, Size: 8, Begin: -1000, Remove: 2000, Onset: -1, End: -1, Before: 1})
	y.run(600, nil)
	grown := len(y.s.Services[i].Replicas)
	y.run(4000, nil)
	if after := len(y.s.Services[i].Replicas); grown <= before || after >= grown {
		t.Errorf("replicas of %s: %d, under load %d, afterwards %d", y.w.services[i].name, before, grown, after)
	}
}
