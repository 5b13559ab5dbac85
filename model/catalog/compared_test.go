package catalog

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model"
	"presage/model/stgnn"
)

// shop is a history of a few services with all channels, values missing, and one service that comes after training.
func shop(t model.Task, n int) []*model.Step {
	rng := rand.New(rand.NewPCG(3, 3))
	names := []string{"cart", "db", "front", "pay", "user"}
	all := append(slices.Clone(names), "zoo")
	f := len(t.Channels)
	var steps []*model.Step
	for k := range n {
		services := names
		if k > n*3/4 {
			services = all
		}
		s := &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: services, Graph: &model.Graph{RowPtr: []int32{0}}}
		for i := range services {
			load := 5 + 2*math.Sin(float64(k)/11) + 0.3*rng.NormFloat64()
			row := []float32{float32(20 + 5*float64(i) + 3*load + rng.NormFloat64()), float32(load), 0.01, float32(load / 10), 1e8, 2}
			for c := range f {
				v, ok := row[c], float32(1)
				if rng.Float64() < 0.03 {
					v, ok = 0, 0
				}
				s.Values, s.Mask = append(s.Values, v), append(s.Mask, ok)
			}
			if i > 0 { // the first calls all others
				s.Graph.RowPtr = append(s.Graph.RowPtr, s.Graph.RowPtr[len(s.Graph.RowPtr)-1])
				continue
			}
			for j := 1; j < len(services); j++ {
				s.Graph.Col, s.Graph.Weight = append(s.Graph.Col, int32(j)), append(s.Graph.Weight, float32(load*60))
				s.Graph.Errors, s.Graph.MeanMs = append(s.Graph.Errors, 0), append(s.Graph.MeanMs, 20)
			}
			s.Graph.RowPtr = append(s.Graph.RowPtr, int32(len(s.Graph.Col)))
		}
		steps = append(steps, s)
	}
	return steps
}

// Every method of a comparison fits, forecasts in order, and comes back from its state as it was.
func TestComparedMethodsForecastAndComeBack(t *testing.T) {
	task, err := model.NewTask(model.ChannelResponseTime, 12, 4, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	steps := shop(task, 240)
	parts, err := model.Split(steps, 12, 4, 0.2, 0.2)
	if err != nil {
		t.Fatal(err)
	}
	window := parts.Judge[:12]
	for _, m := range Compared(stgnn.ScalePerService, nil) {
		t.Run(m.ID(), func(t *testing.T) {
			f, err := m.New(task)
			if err != nil {
				t.Fatal(err)
			}
			report, err := f.Fit(t.Context(), parts.Train, parts.Valid, model.FitOptions{Seed: 1, Epochs: 1})
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Forecast(window)
			if err != nil {
				t.Fatal(err)
			}
			values := slices.Clone(p.Values)
			if err := ordered(p, task); err != nil {
				t.Error(err)
			}
			if m.Seeded && report.Windows == 0 {
				t.Error("the report says nothing of the training windows")
			}
			state, err := f.State()
			if err != nil {
				t.Fatal(err)
			}
			again, _ := m.New(task)
			if err := again.Restore(state); err != nil {
				t.Fatal(err)
			}
			q, err := again.Forecast(window)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range q.Values {
				if w := values[k]; v != w && (v == v || w == w) {
					t.Fatalf("value %d is %g after Restore, %g before", k, v, w)
				}
			}
			other := task
			other.Horizons++
			if strange, err := m.New(other); err == nil && strange.Restore(state) == nil {
				t.Error("the state of another task was taken")
			}
		})
	}
}

// ordered checks that quantiles rise and that services of training get a forecast.
func ordered(p model.Prediction, t model.Task) error {
	q := len(t.Levels)
	for at := 0; at < len(p.Values); at += q {
		v, service := p.Values[at:at+q], p.Services[at/q/t.Horizons]
		if v[0] != v[0] {
			if service == "zoo" {
				continue // not known to all
			}
			return fmt.Errorf("no forecast of %s", service)
		}
		if !slices.IsSorted(v) || v[0] < 0 || math.IsInf(float64(v[q-1]), 0) {
			return fmt.Errorf("quantiles %v of %s", v, service)
		}
	}
	return nil
}

func TestPickNamesWhatIsThere(t *testing.T) {
	all := Compared(stgnn.ScalePooled, nil)
	picked, err := Pick(all, []string{"stid", "dgcrn/common"})
	if err != nil || len(picked) != 4 || picked[0].Name != "persistence" {
		t.Errorf("picked %v, %v", ids(picked), err)
	}
	if _, err := Pick(all, []string{"oracle"}); err == nil {
		t.Error("an unknown method was picked")
	}
}
