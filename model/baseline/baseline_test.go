package baseline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"presage/model"
)

func task(t *testing.T, input, horizons int) model.Task {
	t.Helper()
	k, err := model.NewTask(model.ChannelResponseTime, input, horizons, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// steps makes slices of given values by service; NaN is missing, and a service
// whose value is −1 is not in the slice.
func steps(width int64, values ...map[string]float64) []*model.Step {
	var all []*model.Step
	f := len(model.ServiceChannels())
	for k, row := range values {
		st := &model.Step{At: int64(k) * width, Width: width, Graph: &model.Graph{}}
		for _, name := range []string{"a", "b", "c"} {
			v, ok := row[name]
			if !ok || v == -1 {
				continue
			}
			st.Services = append(st.Services, name)
			cells, mask := make([]float32, f), make([]float32, f)
			if !math.IsNaN(v) {
				cells[0], mask[0] = float32(v), 1
			}
			st.Values, st.Mask = append(st.Values, cells...), append(st.Mask, mask...)
		}
		st.Graph.RowPtr = make([]int32, len(st.Services)+1)
		all = append(all, st)
	}
	return all
}

func medians(t *testing.T, f model.Forecaster, window []*model.Step) []float64 {
	t.Helper()
	p, err := f.Forecast(window)
	if err != nil {
		t.Fatal(err)
	}
	var m []float64
	for i := 1; i < len(p.Values); i += 3 {
		low, mid, high := p.Values[i-1], p.Values[i], p.Values[i+1]
		if low > mid || mid > high || low < 0 {
			t.Errorf("quantiles %g, %g, %g", low, mid, high)
		}
		m = append(m, float64(mid))
	}
	return m
}

var nan = math.NaN()

func TestCentres(t *testing.T) {
	window := steps(10e9, map[string]float64{"a": 2, "b": 4}, map[string]float64{"a": 4, "b": 6, "c": nan}, map[string]float64{"a": 9, "b": nan, "c": nan})
	for name, want := range map[string]string{
		Persistence: "[9 9 6 6 NaN NaN]",
		Average:     "[5 5 5 5 NaN NaN]",
		Seasonal:    "[9 9 6 6 NaN NaN]", // no day before is known
	} {
		for _, m := range Methods() {
			if m.Name != name {
				continue
			}
			f, err := m.New(task(t, 3, 2))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(medians(t, f, window)); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
			if _, err := f.Forecast(nil); !errors.Is(err, model.ErrShortWindow) {
				t.Errorf("%s of no window: %v", name, err)
			}
		}
	}
}

func TestSeasonalRepeatsYesterday(t *testing.T) {
	const hour = int64(3600e9)
	var days []map[string]float64
	for k := range 60 {
		days = append(days, map[string]float64{"a": float64(100 + k)})
	}
	all := steps(hour, days...)
	f, err := NewSeasonal(task(t, 4, 30))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all[:50] {
		f.(*forecaster).Observe(s)
	}
	got := medians(t, f, all[46:50])
	for h, v := range got {
		want := float64(100 + 50 + h - 24) // the slice of 24 hours before
		if h >= 24 {
			want -= 24 // two days before: one day before is still to come
		}
		if v != want {
			t.Errorf("step %d: %g, want %g", h+1, v, want)
		}
	}
	if n := len(f.(*forecaster).day.ring); n > 24+30+1 {
		t.Errorf("%d slices are remembered, want a day and the horizons", n)
	}
}

func TestFitLearnsTheBand(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var rows []map[string]float64
	for range 600 {
		rows = append(rows, map[string]float64{"a": 50 * math.Exp(0.1*rng.NormFloat64()), "b": 500 * math.Exp(0.4*rng.NormFloat64()), "c": 3})
	}
	all := steps(10e9, rows...)
	for _, m := range Methods() {
		f, err := m.New(task(t, 6, 3))
		if err != nil {
			t.Fatal(err)
		}
		before := medians(t, f, all[100:106])
		if _, err := f.Fit(t.Context(), all[:400], all[400:450], model.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		if after := medians(t, f, all[100:106]); fmt.Sprint(before) != fmt.Sprint(after) && m.Name != Seasonal {
			t.Errorf("%s: fitting changed the forecast from %v to %v", m.Name, before, after)
		}
		score := map[string]*model.Scorer{"a": model.NewScorer(0.9), "b": model.NewScorer(0.9)}
		for _, w := range model.Windows(all[400:], 6, 3) {
			p, err := f.Forecast(w.Input)
			if err != nil {
				t.Fatal(err)
			}
			for h := range 3 {
				for i, name := range []string{"a", "b"} {
					v, _ := w.Target[h].Value(i, 0)
					q := p.Values[(i*3+h)*3:]
					score[name].Add(name, model.Point{Truth: v, Yhat: float64(q[1]), Lower: float64(q[0]), Upper: float64(q[2])})
				}
			}
		}
		for name, s := range score {
			if c := s.Score().Coverage; c < 0.84 || c > 0.96 {
				t.Errorf("%s of %s: coverage %.3f, want about 0.9", m.Name, name, c)
			}
		}
	}
}

func TestBandBeforeAnyFit(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	walk := 100.0
	var rows []map[string]float64
	for range 400 {
		walk *= math.Exp(0.05 * rng.NormFloat64())
		rows = append(rows, map[string]float64{"a": walk})
	}
	all := steps(10e9, rows...)
	f, err := NewPersistence(task(t, 12, 4))
	if err != nil {
		t.Fatal(err)
	}
	s := model.NewScorer(0.9)
	for _, w := range model.Windows(all, 12, 4) {
		p, err := f.Forecast(w.Input)
		if err != nil {
			t.Fatal(err)
		}
		v, _ := w.Target[3].Value(0, 0)
		s.Add("a", model.Point{Truth: v, Yhat: float64(p.Values[10]), Lower: float64(p.Values[9]), Upper: float64(p.Values[11])})
	}
	if c := s.Score().Coverage; c < 0.8 || c > 0.97 {
		t.Errorf("coverage of a random walk at step 4: %.3f, want about 0.9", c)
	}
}

func TestStateRestores(t *testing.T) {
	var rows []map[string]float64
	for k := range 200 {
		row := map[string]float64{"a": 10 + float64(k%7), "b": 5, "c": -1}
		if k > 100 {
			row["c"] = float64(k)
		}
		rows = append(rows, row)
	}
	all := steps(1800e9, rows...)
	for _, m := range Methods() {
		f, err := m.New(task(t, 6, 3))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Fit(t.Context(), all[:120], all[120:150], model.FitOptions{}); err != nil {
			t.Fatal(err)
		}
		st, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		g, err := m.New(task(t, 6, 3))
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Restore(st); err != nil {
			t.Fatal(err)
		}
		a, _ := f.Forecast(all[144:150])
		b, _ := g.Forecast(all[144:150])
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: restored forecast %v, want %v", m.Name, b, a)
		}
		other, err := m.New(task(t, 7, 3))
		if err != nil {
			t.Fatal(err)
		}
		if err := other.Restore(st); err == nil {
			t.Errorf("%s: the state of another task was restored", m.Name)
		}
	}
}

func TestFitStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var rows []map[string]float64
	for range 50 {
		rows = append(rows, map[string]float64{"a": 1})
	}
	all := steps(10e9, rows...)
	f, err := NewAverage(task(t, 3, 2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fit(ctx, all[:30], all[30:], model.FitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("fit under a cancelled context: %v", err)
	}
}
