package mixed

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/model/baseline"
)

// constant always says the same.
type constant struct {
	model.Forecaster
	task  model.Task
	value float32
}

func (c constant) Fit(context.Context, []*model.Step, []*model.Step, model.FitOptions) (model.FitReport, error) {
	return model.FitReport{Epochs: 7}, nil
}

func (c constant) Forecast(window []*model.Step) (model.Prediction, error) {
	p := model.Prediction{Services: window[len(window)-1].Services, Levels: c.task.Levels}
	for range len(p.Services) * c.task.Horizons {
		p.Values = append(p.Values, c.value-1, c.value, c.value+2)
	}
	return p, nil
}

func always(v float32) model.New {
	return func(t model.Task) (model.Forecaster, error) { return constant{task: t, value: v}, nil }
}

func TestTheShareIsTheOneThatErrsLeast(t *testing.T) {
	task := model.Task{Channels: []string{"value"}, Input: 3, Horizons: 3, Levels: []float64{0.05, 0.5, 0.95}}
	rng := rand.New(rand.NewPCG(1, 1))
	var steps []*model.Step
	for k := range 200 {
		steps = append(steps, &model.Step{At: int64(k), Width: 1, Services: []string{"a"}, Graph: &model.Graph{RowPtr: []int32{0, 0}},
			Values: []float32{float32(13 + 0.01*rng.NormFloat64())}, Mask: []float32{1}})
	}
	f, err := New("mixed", always(10), []model.Method{{Name: "far", New: always(-50)}, {Name: "near", New: always(20)}})(task)
	if err != nil {
		t.Fatal(err)
	}
	report, err := f.Fit(t.Context(), steps[:150], steps[150:], model.FitOptions{})
	if err != nil || report.Epochs != 7 {
		t.Fatalf("%+v, %v", report, err)
	}
	p, err := f.Forecast(steps[190:193])
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{12, 13, 15, 12, 13, 15, 12, 13, 15} {
		if math.Abs(float64(p.Values[k])-want) > 1e-4 {
			t.Errorf("value %d is %g, want %g: seven tenths of 10 and three of 20", k, p.Values[k], want)
		}
	}
}

func TestAMixComesBack(t *testing.T) {
	task := model.Task{Channels: []string{"value"}, Log: true, Unit: "ms", Input: 4, Horizons: 3, Levels: []float64{0.05, 0.5, 0.95}}
	rng := rand.New(rand.NewPCG(2, 2))
	var steps []*model.Step
	for k := range 300 {
		steps = append(steps, &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: []string{"a", "b"}, Graph: &model.Graph{RowPtr: []int32{0, 0, 0}},
			Values: []float32{float32(10 * math.Exp(rng.NormFloat64())), float32(20 * math.Exp(0.1*rng.NormFloat64()))}, Mask: []float32{1, 1}})
	}
	make := New("mixed", baseline.NewPersistence, baseline.Methods()[1:])
	f, err := make(task)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fit(t.Context(), steps[:200], steps[200:260], model.FitOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	window := steps[270:274]
	p, err := f.Forecast(window)
	if err != nil {
		t.Fatal(err)
	}
	last := window[3].Values[0]
	if p.Values[1] == last {
		t.Error("noise is forecast by persistence alone")
	}
	state, err := f.State()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := make(task)
	if err := again.Restore(state); err != nil {
		t.Fatal(err)
	}
	q, err := again.Forecast(window)
	if err != nil {
		t.Fatal(err)
	}
	for k := range q.Values {
		if q.Values[k] != p.Values[k] {
			t.Fatalf("value %d is %g after Restore, %g before", k, q.Values[k], p.Values[k])
		}
	}
	other, _ := New("another", baseline.NewPersistence, nil)(task)
	if other.Restore(state) == nil {
		t.Error("the state of another method was taken")
	}
}
