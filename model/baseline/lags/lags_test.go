package lags

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"presage/model"
)

var nan = math.NaN()

// row is a service in a slice: its target, its load (NaN missing) and its calls.
type row struct {
	name         string
	target, load float64
	calls        map[string]float32
}

func step(at int64, rows ...row) *model.Step {
	s := &model.Step{At: at * 1e9, Width: 1e9, Graph: &model.Graph{RowPtr: []int32{0}}}
	for _, r := range rows {
		s.Services = append(s.Services, r.name)
		for _, v := range []float64{r.target, r.load} {
			if math.IsNaN(v) {
				s.Values, s.Mask = append(s.Values, 0), append(s.Mask, 0)
			} else {
				s.Values, s.Mask = append(s.Values, float32(v)), append(s.Mask, 1)
			}
		}
	}
	for _, r := range rows {
		for k, name := range s.Services {
			if w := r.calls[name]; w > 0 {
				s.Graph.Col, s.Graph.Weight = append(s.Graph.Col, int32(k)), append(s.Graph.Weight, w)
			}
		}
		s.Graph.RowPtr = append(s.Graph.RowPtr, int32(len(s.Graph.Col)))
	}
	return s
}

func task(input int) model.Task {
	return model.Task{Channels: []string{model.ChannelResponseTime, model.ChannelRequests}, Input: input, Horizons: 2, Levels: []float64{0.5}}
}

// plain are features that standardise nothing.
func plain(input int, graph bool) *Features {
	one := &model.Scaler{Pooled: model.Scale{Deviation: 1}}
	f := &Features{Task: task(input), Graph: graph, Scaler: one}
	if graph {
		f.Others = []Other{{Channel: 1, Scaler: one}}
	}
	return f
}

func TestRowsByHand(t *testing.T) {
	window := []*model.Step{
		step(0, row{"a", 1, 7, map[string]float32{"b": 1, "c": 3}}, row{"b", 10, nan, nil}, row{"c", 20, nan, nil}),
		step(1, row{"a", nan, nan, map[string]float32{"a": 9, "c": 1}}, row{"c", 30, nan, nil}),
		step(2, row{"a", 4, nan, nil}, row{"b", 12, nan, map[string]float32{"a": 2}}, row{"c", 31, 5, map[string]float32{"a": 2}}, row{"d", nan, nan, nil}),
	}
	f := plain(3, true)
	r := f.Rows(window)
	want := map[string][]float64{
		// own 1, 1, 4; callers –, –, 21.5, so 21.5 throughout; callees (10 + 3·20)/4, 30, and no call: 30
		"a": {4, -3, -3, 17.5, 0, 0, 26, 0, 17.5 - 30, 7},
		// own 10, 10, 12; caller a 1, nothing, nothing: 1; callee a 4
		"b": {12, -2, -2, -11, 0, 0, -8, 0, 0, 0},
		// own 20, 30, 31; caller a 1, then missing: 1; callee a 4
		"c": {31, -1, -11, -30, 0, 0, -27, 0, 0, 5},
		"d": {0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	}
	for i, name := range r.Services {
		if fmt.Sprint(r.Row(i)) != fmt.Sprint(want[name]) {
			t.Errorf("%s: %v, want %v", name, r.Row(i), want[name])
		}
	}
	if fmt.Sprint(r.Last) != "[4 12 31 NaN]" {
		t.Errorf("last values %v", r.Last)
	}
	if names := f.Names(); len(names) != r.Columns {
		t.Errorf("%d names of %d columns: %v", len(names), r.Columns, names)
	}
	w := model.Window{Input: window, Target: []*model.Step{step(3, row{"a", 9, nan, nil}, row{"d", 3, nan, nil}), step(4, row{"a", nan, nan, nil}, row{"b", 10, nan, nil})}}
	if got := fmt.Sprint(f.Changes(w, r, nil)); got != "[5 NaN NaN -2 NaN NaN NaN NaN]" {
		t.Errorf("changes %s", got)
	}
	if own := plain(3, false).Rows(window[1:]); fmt.Sprint(own.Row(2)) != "[31 -1 -1]" {
		t.Errorf("row of a short window: %v", own.Row(2))
	}
}

func TestFeaturesSurviveJSON(t *testing.T) {
	var steps []*model.Step
	for k := range 50 {
		s := step(int64(k), row{"a", float64(k % 5), float64(k), nil}, row{"b", float64(k % 3), 1, map[string]float32{"a": 1}})
		s.At, s.Width = int64(k)*3600e9, 3600e9
		steps = append(steps, s)
	}
	f := Fit(task(4), true, steps)
	if !f.Clock || len(f.Others) != 1 {
		t.Errorf("clock %v and %d other channels of two days of two channels", f.Clock, len(f.Others))
	}
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var g Features
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(f.Rows(steps[10:14])), fmt.Sprint(g.Rows(steps[10:14])); a != b {
		t.Errorf("rows %s, want %s", b, a)
	}
	if g.Check(task(4), true) != nil || g.Check(task(5), true) == nil || g.Check(task(4), false) == nil {
		t.Error("Check does not tell its own task from others")
	}
}

// Rows of a window are the same whatever was asked before, and whatever comes after the window.
func TestRowsAreOfTheirWindowAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(0, 9), rapid.Just(nan))
		var steps []*model.Step
		for k := range 12 {
			var rows []row
			for _, name := range []string{"a", "b", "c"} {
				if rapid.Bool().Draw(t, "there") {
					calls := map[string]float32{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "callee"): 2}
					rows = append(rows, row{name, value.Draw(t, "target"), value.Draw(t, "load"), calls})
				}
			}
			steps = append(steps, step(int64(k), rows...))
		}
		used := Fit(task(3), true, steps[:6])
		for k := range 9 {
			used.Rows(steps[k : k+3])
		}
		origin := rapid.IntRange(2, 11).Draw(t, "origin")
		fresh := Fit(task(3), true, steps[:6])
		a, b := fmt.Sprint(used.Rows(steps[origin-2:origin+1])), fmt.Sprint(fresh.Rows(steps[origin-2:origin+1]))
		if a != b {
			t.Errorf("rows %s, want %s", a, b)
		}
	})
}
