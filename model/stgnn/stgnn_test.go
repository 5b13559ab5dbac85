package stgnn_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"presage/internal/hostile"
	"presage/model"
	"presage/model/stgnn"
)

// small keeps the tests fast.
func small() stgnn.Config {
	return stgnn.Config{Width: 16, Embed: 4, Epochs: 4, Budget: 20_000, BatchRow: 128}
}

func smallPaper() stgnn.Config {
	return stgnn.Config{Mode: stgnn.ModePaper, Hidden: 16, Epochs: 4, Budget: 20_000, BatchRow: 128}
}

func fit(t *testing.T, task model.Task, cfg stgnn.Config, steps []*model.Step, opt model.FitOptions) (model.Forecaster, model.FitReport) {
	t.Helper()
	f, err := stgnn.New(task, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f, refit(t, f, steps, opt)
}

func refit(t *testing.T, f model.Forecaster, steps []*model.Step, opt model.FitOptions) model.FitReport {
	t.Helper()
	cut := len(steps) * 4 / 5
	r, err := f.Fit(context.Background(), steps[:cut], steps[cut:], opt)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func forecast(t *testing.T, f model.Forecaster, window []*model.Step) model.Prediction {
	t.Helper()
	p, err := f.Forecast(window)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copyOf is the same slices at other addresses, so that nothing kept can be used.
func copyOf(steps []*model.Step) []*model.Step {
	var out []*model.Step
	for _, s := range steps {
		c := *s
		c.Services, c.Values, c.Mask = slices.Clone(s.Services), slices.Clone(s.Values), slices.Clone(s.Mask)
		out = append(out, &c)
	}
	return out
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestLiveEqualsWholeWindow forecasts slice by slice, as the live loop does, and from
// whole windows with a forecaster that has kept nothing.
func TestLiveEqualsWholeWindow(t *testing.T) {
	moving := world{services: 9, steps: 160, seed: 2, come: true, gone: true, missing: 0.1}
	tests := []struct {
		name string
		w    world
		cfg  stgnn.Config
	}{
		{"fixed services", world{services: 9, steps: 120, seed: 1}, small()},
		{"services come and go, values are missing", moving, small()},
		{"a virtual node", world{services: 9, steps: 120, seed: 3, virtual: true, missing: 0.05}, small()},
		{"paper mode", moving, smallPaper()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			task, steps := testTask(), tt.w.make()
			train := steps[:len(steps)/2] // a service that comes half-way was never seen
			live, _ := fit(t, task, tt.cfg, train, model.FitOptions{Seed: 1, Epochs: 2})
			state, err := live.State()
			if err != nil {
				t.Fatal(err)
			}
			for k := len(train); k < len(steps); k++ {
				window := steps[k-task.Input+1 : k+1]
				got := forecast(t, live, window)
				whole, err := stgnn.New(task, tt.cfg, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := whole.Restore(state); err != nil {
					t.Fatal(err)
				}
				want := forecast(t, whole, copyOf(window))
				if !slices.Equal(got.Services, want.Services) || !sameBits(got.Values, want.Values) {
					t.Fatalf("slice %d: live and whole window differ", k)
				}
			}
		})
	}
}

func TestForecastsAreOrderedAndFinite(t *testing.T) {
	task := testTask()
	w := world{services: 9, steps: 160, seed: 2, come: true, virtual: true, gone: true, missing: 0.1}
	steps := w.make()
	for _, cfg := range []stgnn.Config{small(), smallPaper()} {
		f, _ := fit(t, task, cfg, steps[:80], model.FitOptions{Seed: 1, Epochs: 2})
		checkOrder(t, task, forecast(t, f, steps[len(steps)-task.Input:]))
	}
}

func checkOrder(t *testing.T, task model.Task, p model.Prediction) {
	t.Helper()
	if len(p.Values) != len(p.Services)*task.Horizons*len(task.Levels) {
		t.Fatalf("%d values for %d services", len(p.Values), len(p.Services))
	}
	q, per := len(task.Levels), task.Horizons*len(task.Levels)
	for i, name := range p.Services {
		never := name == "service-08" // it came after training and has no response time
		for k := 0; k < per; k += q {
			row := p.Values[i*per+k : i*per+k+q]
			switch {
			case never != math.IsNaN(float64(row[0])):
				t.Errorf("%s: %v, observed ever: %v", name, row, !never)
			case !never && (!slices.IsSorted(row) || row[0] < 0 || math.IsInf(float64(row[q-1]), 0)):
				t.Errorf("%s: quantiles %v", name, row)
			}
		}
	}
}

func TestNewServiceIsForecastFromItsFirstWindow(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 200, seed: 5, come: true}.make()
	f, _ := fit(t, task, small(), steps[:100], model.FitOptions{Seed: 1})
	last := 100 + task.Input
	p := forecast(t, f, steps[last-task.Input:last])
	i := slices.Index(p.Services, "service-08")
	truth := float64(steps[last].Values[i*len(task.Channels)])
	yhat := float64(p.Values[i*task.Horizons*3+1])
	if i < 0 || math.Abs(math.Log(yhat/truth)) > 0.7 {
		t.Errorf("forecast %v of %v", yhat, truth)
	}
}

func TestStateIsComplete(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 120, seed: 4, missing: 0.05}.make()
	for _, cfg := range []stgnn.Config{small(), smallPaper(), {Width: 8, Embed: 4, Identity: "off", Lead: -1, Scaling: stgnn.ScalePooled}} {
		f, _ := fit(t, task, cfg, steps, model.FitOptions{Seed: 3, Epochs: 2})
		state, err := f.State()
		if err != nil {
			t.Fatal(err)
		}
		// Through JSON, as the registry's card stores it.
		text, err := json.Marshal(state.Meta)
		if err != nil {
			t.Fatal(err)
		}
		state.Meta = text
		back, err := stgnn.New(task, stgnn.Config{Mode: cfg.Mode}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := back.Restore(state); err != nil {
			t.Fatal(err)
		}
		window := steps[len(steps)-task.Input:]
		if !sameBits(forecast(t, f, window).Values, forecast(t, back, window).Values) {
			t.Error("the restored forecaster gives another forecast")
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	task := testTask()
	steps := world{services: 5, steps: 80, seed: 4}.make()
	f, _ := fit(t, task, small(), steps, model.FitOptions{Seed: 3, Epochs: 1})
	good, err := f.State()
	if err != nil {
		t.Fatal(err)
	}
	other := task
	other.Horizons = 4
	// Sizes that a state only claims are refused before anything is reserved.
	claiming := func(key, value string) model.State {
		var m map[string]any
		if err := json.Unmarshal(good.Meta, &m); err != nil {
			t.Fatal(err)
		}
		at := m
		if key != "lead" {
			at = m["config"].(map[string]any)
		}
		at[key] = json.RawMessage(value)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return model.State{Meta: text, Tensors: good.Tensors}
	}
	without := model.State{Meta: good.Meta, Tensors: map[string]model.Tensor{}}
	tests := []struct {
		name  string
		task  model.Task
		cfg   stgnn.Config
		state model.State
		text  string
	}{
		{"another task", other, stgnn.Config{}, good, "task"},
		{"another mode", task, stgnn.Config{Mode: stgnn.ModePaper}, good, "mode"},
		{"no network", task, stgnn.Config{}, model.State{Meta: json.RawMessage(`{"network":"stid"}`)}, `network "stid"`},
		{"no json", task, stgnn.Config{}, model.State{Meta: json.RawMessage(`{`)}, "state"},
		{"no arrays", task, stgnn.Config{}, without, "lacks array"},
		{"huge lead", task, stgnn.Config{}, claiming("lead", "1000000000000"), "lead/index"},
		{"lead that overflows", task, stgnn.Config{}, claiming("lead", "4611686018427387904"), "lead/index"},
		{"negative lead", task, stgnn.Config{}, claiming("lead", "-1"), "lead/index"},
		{"huge width", task, stgnn.Config{}, claiming("width", "1000000000"), "at most"},
		{"huge hidden", task, stgnn.Config{}, claiming("hidden", "1000000000"), "at most"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := stgnn.New(tt.task, tt.cfg, nil)
			if err != nil {
				t.Fatal(err)
			}
			hostile.Spends(t, hostile.Allowance, func() { err = f.Restore(tt.state) })
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, expected one with %q", err, tt.text)
			}
			if _, err := f.Forecast(steps[:6]); !errors.Is(err, stgnn.ErrNotFitted) {
				t.Errorf("after a refused state Forecast gives %v", err)
			}
		})
	}
}

func TestSeedDecides(t *testing.T) {
	task := testTask()
	steps := world{services: 7, steps: 120, seed: 4, gone: true, missing: 0.05}.make()
	window := steps[len(steps)-task.Input:]
	var got [][]float32
	for _, seed := range []uint64{1, 1, 2} {
		f, report := fit(t, task, small(), steps, model.FitOptions{Seed: seed, Epochs: 8})
		if report.BestEpoch == 0 {
			t.Fatalf("seed %d: no epoch was better than the start, which is the same for all seeds", seed)
		}
		got = append(got, forecast(t, f, window).Values)
	}
	if !sameBits(got[0], got[1]) || sameBits(got[0], got[2]) {
		t.Error("forecasts must be the same for one seed and differ between two")
	}
}

// TestFutureChangesNothing alters all that lies after the origin, targets of validation
// included, and finds the same weights and forecasts where training didn't see it.
func TestFutureChangesNothing(t *testing.T) {
	task := testTask()
	steps := world{services: 7, steps: 120, seed: 4}.make()
	f, _ := fit(t, task, small(), steps[:90], model.FitOptions{Seed: 1, Epochs: 2})
	window := steps[90 : 90+task.Input]
	before := forecast(t, f, window)
	for _, s := range steps[90+task.Input:] {
		for i := range s.Values {
			s.Values[i] *= 100
		}
	}
	again, _ := fit(t, task, small(), steps[:90], model.FitOptions{Seed: 1, Epochs: 2})
	if !sameBits(before.Values, forecast(t, again, window).Values) {
		t.Error("the future moved a forecast")
	}
}

func TestTrainingBeatsPersistence(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 400, seed: 8}.make()
	f, r := fit(t, task, stgnn.Config{Width: 32, Embed: 8, Budget: 30_000}, steps[:300], model.FitOptions{Seed: 1})
	var network, naive float64
	for _, w := range model.Windows(steps[300:], task.Input, task.Horizons) {
		p := forecast(t, f, w.Input)
		for h, s := range w.Target {
			for i := range s.Services {
				truth := math.Log1p(float64(s.Values[i*4]))
				network += math.Abs(math.Log1p(float64(p.Values[(i*task.Horizons+h)*3+1])) - truth)
				naive += math.Abs(math.Log1p(float64(w.Origin().Values[i*4])) - truth)
			}
		}
	}
	if network > 0.85*naive {
		t.Errorf("error %.4f of persistence's; report %+v", network/naive, r)
	}
}

func TestPaperModeLearns(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 300, seed: 8}.make()
	for _, a := range []string{stgnn.AdjacencyLog, stgnn.AdjacencyRaw, stgnn.AdjacencyBinary} {
		cfg := smallPaper()
		cfg.Adjacency = a
		var errs []float64
		_, r := fit(t, task, cfg, steps, model.FitOptions{Seed: 1, Epochs: 6, Progress: func(p model.FitProgress) { errs = append(errs, p.ValidError) }})
		if r.BestEpoch == 0 || len(errs) == 0 || r.ValidError > 0.95*errs[0] {
			t.Errorf("%s: validation errors %v, report %+v", a, errs, r)
		}
	}
}

func TestWarmStartGoesOn(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 300, seed: 8, come: true}.make()
	f, first := fit(t, task, small(), steps[:140], model.FitOptions{Seed: 1})
	var begin float64
	r := refit(t, f, steps, model.FitOptions{Seed: 2, Warm: true, Epochs: 1, Progress: func(p model.FitProgress) { begin = p.TrainLoss }})
	cold, _ := stgnn.New(task, small(), nil)
	var fresh float64
	refit(t, cold, steps, model.FitOptions{Seed: 2, Epochs: 1, Progress: func(p model.FitProgress) { fresh = p.TrainLoss }})
	if begin >= fresh {
		t.Errorf("a warm start's first loss is %v, a cold one's %v (first fit %+v, second %+v)", begin, fresh, first, r)
	}
}

func TestFitStops(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 120, seed: 8}.make()
	f, err := stgnn.New(task, small(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.Fit(ctx, steps[:90], steps[90:], model.FitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := f.Fit(context.Background(), steps[:8], nil, model.FitOptions{}); !errors.Is(err, model.ErrShortWindow) {
		t.Errorf("error %v for eight slices", err)
	}
	if _, err := f.Forecast(steps[:6]); !errors.Is(err, stgnn.ErrNotFitted) {
		t.Errorf("error %v before a fit", err)
	}
}

func TestWindowsMayBeShort(t *testing.T) {
	task := testTask()
	steps := world{services: 9, steps: 120, seed: 8}.make()
	f, _ := fit(t, task, small(), steps[:100], model.FitOptions{Seed: 1, Epochs: 1})
	for n := 1; n <= task.Input; n++ {
		p := forecast(t, f, steps[100:100+n])
		for _, v := range p.Values {
			if math.IsNaN(float64(v)) {
				t.Fatalf("NaN from a window of %d", n)
			}
		}
	}
	if _, err := f.Forecast(nil); !errors.Is(err, model.ErrShortWindow) {
		t.Errorf("error %v for no slice", err)
	}
}

func TestNewRefuses(t *testing.T) {
	task := testTask()
	noMedian := task
	noMedian.Levels = []float64{0.1, 0.9}
	tests := []struct {
		task model.Task
		cfg  stgnn.Config
		text string
	}{
		{task, stgnn.Config{Mode: "papre"}, "papre"},
		{task, stgnn.Config{Adjacency: "square"}, "square"},
		{task, stgnn.Config{Width: -1}, "width"},
		{noMedian, stgnn.Config{}, "0.5"},
		{model.Task{}, stgnn.Config{}, "channel"},
	}
	for _, tt := range tests {
		if _, err := stgnn.New(tt.task, tt.cfg, nil); err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("error %v, expected one with %q", err, tt.text)
		}
	}
}
