package online

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"presage/model"
	"presage/model/baseline"
	"presage/model/catalog"
	"presage/windower/slice"
)

// world makes snapshots of a few services whose response times swing with a
// period of eight slices, with noise; "late" comes at slice 40, "gone" leaves at 90,
// "still" never changes and "never" has no response time at all.
type world struct {
	rng *rand.Rand
}

func newWorld() *world { return &world{rng: rand.New(rand.NewPCG(7, 7))} }

func (w *world) snapshots(n int) []*slice.Snapshot {
	var all []*slice.Snapshot
	for k := range int64(n) {
		all = append(all, w.next(k))
	}
	return all
}

func (w *world) next(k int64) *slice.Snapshot {
	s := &slice.Snapshot{Graph: "shop", Width: 10e9, Index: 1000 + k, Revision: 1, Complete: true, Segment: 1000}
	add := func(name string, ms float64, requests float64) {
		n := &s.Nodes
		n.Service = append(n.Service, name)
		n.Virtual = append(n.Virtual, false)
		put := func(c *slice.Column, v float64) {
			c.Valid = append(c.Valid, !math.IsNaN(v))
			if math.IsNaN(v) {
				v = 0
			}
			c.Value = append(c.Value, v)
		}
		put(&n.Mean, ms)
		put(&n.Requests, requests)
		put(&n.Arrivals, requests)
		put(&n.Errors, 0)
	}
	swing := math.Sin(2 * math.Pi * float64(k) / 8)
	noise := func() float64 { return w.rng.NormFloat64() }
	add("cart", 50+20*swing+noise(), 100+30*swing+3*noise())
	missing := noise()
	if k%11 == 3 {
		add("checkout", math.NaN(), 0)
	} else {
		add("checkout", 80+30*swing+missing, 50)
	}
	if k < 90 {
		add("gone", 20+5*swing+noise(), 10)
	}
	if k >= 40 {
		add("late", 30+9*swing+noise(), 20)
	}
	add("never", math.NaN(), math.NaN())
	add("still", 5, 1)
	s.Edges.Offset = make([]int32, len(s.Nodes.Service)+1)
	return s
}

// wave is a small network: it learns how the target eight slices apart relates,
// and so foresees the swing, which persistence cannot.
type wave struct {
	task model.Task
	gain float32
}

func newWave(t model.Task) (model.Forecaster, error) { return &wave{task: t}, nil }

func (w *wave) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	w.gain = 1 + float32(opt.Seed)*1e-3
	return model.FitReport{Parameters: 1, Windows: len(model.Windows(train, w.task.Input, w.task.Horizons))}, ctx.Err()
}

func (w *wave) Forecast(window []*model.Step) (model.Prediction, error) {
	if len(window) < w.task.Input {
		return model.Prediction{}, model.ErrShortWindow
	}
	services := window[len(window)-1].Services
	p := model.Prediction{Services: services, Levels: w.task.Levels}
	for _, name := range services {
		for h := range w.task.Horizons {
			from := window[len(window)-8+h%8]
			v := math.NaN()
			if k := find(from.Services, name); k >= 0 {
				if x, ok := from.Value(k, w.task.Target); ok {
					v = x * float64(w.gain)
				}
			}
			p.Values = append(p.Values, float32(v-0.1), float32(v), float32(v+0.1))
		}
	}
	return p, nil
}

func find(services []string, name string) int {
	for i, s := range services {
		if s == name {
			return i
		}
	}
	return -1
}

func (w *wave) State() (model.State, error) {
	return model.State{Meta: json.RawMessage(`{}`), Tensors: map[string]model.Tensor{"gain": {Shape: []int{1}, Data: []float32{w.gain}}}}, nil
}

func (w *wave) Restore(s model.State) error {
	if len(s.Tensors["gain"].Data) != 1 {
		return fmt.Errorf("no gain")
	}
	w.gain = s.Tensors["gain"].Data[0]
	return nil
}

func config() Config {
	return Config{
		Graph: "shop", Targets: []string{"response_time", "requests"}, Input: 8, Horizons: 4, Level: 0.9,
		Network: model.Method{Name: "wave", New: newWave}, Baselines: baseline.Methods(),
		FirstTraining: 60, RetrainEvery: 50, MaxHistory: 150, Seed: 1,
	}
}

// run observes snapshots, training at once where told to; states keeps the
// candidates as a registry would.
func run(t *testing.T, l *Loop, states map[string]model.State, snapshots []*slice.Snapshot, each func(Outcome)) {
	t.Helper()
	for _, s := range snapshots {
		out, err := l.Observe(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range out.Jobs {
			c, err := Train(t.Context(), job)
			if err != nil {
				t.Fatal(err)
			}
			d, err := l.Promote(c)
			if err != nil {
				t.Fatal(err)
			}
			if d.Promoted {
				states[c.Version] = c.State
			}
		}
		if each != nil {
			each(out)
		}
	}
}

func newLoop(t *testing.T, cfg Config) *Loop {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLoopServesBaselineThenNetwork(t *testing.T) {
	l := newLoop(t, config())
	var first, network int64 = -1, -1
	run(t, l, map[string]model.State{}, newWorld().snapshots(300), func(o Outcome) {
		for _, f := range o.Forecasts {
			if f.Service == "never" && o.Index < 2000 {
				if f.Target == "response_time" {
					t.Fatalf("slice %d: forecast of a service that was never observed: %+v", o.Index, f)
				}
			}
			if first < 0 {
				first = o.Index
			}
			if network < 0 && f.Model[:4] == "wave" {
				network = o.Index
			}
			for _, h := range f.Horizons {
				if !(h.Lower <= h.Yhat && h.Yhat <= h.Upper && h.Lower >= 0) {
					t.Fatalf("slice %d %s: interval [%g, %g] around %g", o.Index, f.Service, h.Lower, h.Upper, h.Yhat)
				}
				if h.At != f.SliceStart+int64(h.Step)*f.SliceWidth {
					t.Fatalf("step %d speaks of %d", h.Step, h.At)
				}
			}
		}
	})
	if first != 1000 {
		t.Errorf("first forecast at slice %d, want the first one", first)
	}
	if network < 1060 || network > 1062 {
		t.Errorf("first network forecast at slice %d, want just after the training at 1060", network)
	}
	sums := l.Totals()[0]
	all := sums.All()
	if all.NetworkError >= 0.5*all.PersistenceError {
		t.Errorf("error of the network %.0f, of persistence %.0f: the swing was not foreseen", all.NetworkError, all.PersistenceError)
	}
	if c := float64(all.NetworkCovered) / float64(all.NetworkPoints); c < 0.84 || c > 0.97 {
		t.Errorf("coverage %.3f, want about 0.9", c)
	}
	if sums.Unforecast == 0 || sums.Expired == 0 || sums.Promotions == 0 {
		t.Errorf("totals %+v: services without forecast, expired points and promotions must be counted", sums)
	}
}

func TestLoopRestoreGivesTheSameForecasts(t *testing.T) {
	restore(t, config(), 220, 12)
}

// The real network caches what it has seen of the window; a restart does without the cache.
func TestLoopRestoreWithSTGNN(t *testing.T) {
	network, err := catalog.Find("stgnn", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.Network, cfg.Targets, cfg.Epochs, cfg.MaxHistory = network, cfg.Targets[:1], 4, 70
	restore(t, cfg, 130, 4)
}

// restore stops a loop at random slices, resumes, and compares all that comes after.
func restore(t *testing.T, cfg Config, slices, stops int) {
	snapshots := newWorld().snapshots(slices)
	states := map[string]model.State{}
	want := map[int64][]model.Forecast{}
	marks := map[int64][]byte{}
	whole := newLoop(t, cfg)
	run(t, whole, states, snapshots, func(o Outcome) {
		want[o.Index] = o.Forecasts
		raw, err := whole.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		marks[o.Index] = raw
	})
	if whole.Totals()[0].ByNetwork == 0 {
		t.Fatal("the network made no forecast, so this shows nothing")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range stops {
		stop := rng.IntN(len(snapshots) - 1)
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			l := newLoop(t, cfg)
			err := l.Resume(marks[snapshots[stop].Index], func(_, version string) (model.State, error) {
				st, ok := states[version]
				if !ok {
					return st, fmt.Errorf("no model %s", version)
				}
				return st, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			from := l.From()
			for _, s := range snapshots[:stop+1] {
				if s.Index < from {
					continue
				}
				if err := l.Remember(s); err != nil {
					t.Fatal(err)
				}
			}
			run(t, l, states, snapshots[stop+1:], func(o Outcome) { same(t, o.Index, o.Forecasts, want[o.Index]) })
			if got, want := l.Totals(), whole.Totals(); !reflect.DeepEqual(got, want) {
				t.Errorf("totals after the restart %+v, without %+v", got, want)
			}
		})
	}
}

// same compares forecasts; a missing observation is NaN and equals itself here.
func same(t *testing.T, index int64, got, want []model.Forecast) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Fatalf("slice %d: forecasts after the restart differ:\n%s\n%s", index, g, w)
	}
}

func TestLoopFutureMovesNoForecast(t *testing.T) {
	a, b := newWorld().snapshots(120), newWorld().snapshots(120)
	for _, s := range b[100:] {
		for i := range s.Nodes.Mean.Value {
			s.Nodes.Mean.Value[i] *= 10
		}
	}
	var first []string
	run(t, newLoop(t, config()), map[string]model.State{}, a[:100], func(o Outcome) { first = append(first, fmt.Sprintf("%v", o.Forecasts)) })
	k := 0
	run(t, newLoop(t, config()), map[string]model.State{}, b, func(o Outcome) {
		if k < len(first) && fmt.Sprintf("%v", o.Forecasts) != first[k] {
			t.Fatalf("slice %d: a change of the future moved its forecasts", o.Index)
		}
		k++
	})
}

func TestLoopSegmentsAndRevisions(t *testing.T) {
	l := newLoop(t, config())
	snapshots := newWorld().snapshots(20)
	for _, s := range snapshots[10:] {
		s.Index += 100
		s.Segment = 1110
	}
	var expired int
	run(t, l, nil, snapshots, func(o Outcome) {
		expired += o.Targets[0].Expired
		if o.Index == 1110 && o.Targets[0].Due[0].Points != 0 {
			t.Error("a forecast crossed the segment")
		}
	})
	if expired < 4*(4+3+2+1) {
		t.Errorf("%d points expired, want at least those of the four services at the segment's end", expired)
	}
	again := *snapshots[19]
	for _, revision := range []int{1, 2} {
		again.Revision = revision
		out, err := l.Observe(&again)
		if err != nil || out.Ignored == "" || len(out.Forecasts) > 0 {
			t.Errorf("revision %d of the last slice: %+v, %v; want it ignored", revision, out, err)
		}
	}
	other := *snapshots[19]
	other.Graph = "zoo"
	if _, err := l.Observe(&other); err == nil {
		t.Error("a snapshot of another graph was taken")
	}
}

func TestLoopRestsAChampionThatFellBehind(t *testing.T) {
	snapshots := newWorld().snapshots(300)
	for k, s := range snapshots {
		if k < 110 {
			continue
		}
		// The swing ends: the network goes on to repeat a noise that persistence need not.
		for i := range s.Nodes.Mean.Value {
			s.Nodes.Mean.Value[i] = 40 + 25*math.Sin(float64(k)/40)
		}
	}
	cfg := config()
	cfg.RetrainEvery = 10000
	l := newLoop(t, cfg)
	rested := false
	run(t, l, map[string]model.State{}, snapshots, func(o Outcome) {
		if o.Index > 1200 && o.Targets[0].Serving[:4] != "wave" {
			rested = true
		}
	})
	if !rested {
		t.Error("the champion served on though it had fallen behind persistence")
	}
}

func TestLoopRefusesOtherCheckpoint(t *testing.T) {
	l := newLoop(t, config())
	run(t, l, map[string]model.State{}, newWorld().snapshots(5), nil)
	raw, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.Horizons = 5
	if err := newLoop(t, cfg).Resume(raw, nil); err == nil {
		t.Error("a checkpoint of 4 horizons was taken for 5")
	}
	for _, bad := range []string{"", "{}", `{"version":9}`, string(raw[:len(raw)/2])} {
		if err := newLoop(t, config()).Resume([]byte(bad), nil); err == nil {
			t.Errorf("checkpoint %.20q was taken", bad)
		}
	}
}
