package trial

import (
	"context"
	"errors"
	"math"
	"testing"

	"presage/model"
	"presage/model/baseline"
	"presage/model/matrix"
)

// waves are two services' sine curves, with every tenth value of the second missing.
func waves(n int) []*model.Step {
	graph := &model.Graph{RowPtr: []int32{0, 1, 1}, Col: []int32{1}, Weight: []float32{1}}
	var steps []*model.Step
	for i := range n {
		s := &model.Step{At: int64(i) * 1e10, Width: 1e10, Services: []string{"a", "b"}, Graph: graph,
			Values: []float32{float32(10 + math.Sin(float64(i)/5)), float32(20 + math.Sin(float64(i)/7))}, Mask: []float32{1, 1}}
		if i%10 == 0 {
			s.Values[1], s.Mask[1] = 0, 0
		}
		steps = append(steps, s)
	}
	return steps
}

var levels = []float64{0.05, 0.5, 0.95}

func methods() []model.Method {
	return []model.Method{{Name: baseline.Persistence, New: baseline.NewPersistence}, {Name: baseline.Average, New: baseline.NewAverage}}
}

func TestRunScoresOnTheLastPart(t *testing.T) {
	task := matrix.Task(4, 3, levels, "")
	out, err := Run(t.Context(), waves(300), task, methods(), Options{Valid: 0.1, Test: 0.2, Level: 0.9})
	if err != nil {
		t.Fatal(err)
	}
	if out.TrainWindows == 0 || out.ValidWindows == 0 || out.TestWindows == 0 || out.From != 0 {
		t.Errorf("windows %+v", out)
	}
	for _, r := range out.Results {
		if len(r.Horizons) != 3 {
			t.Fatalf("%s: %d horizons", r.Method, len(r.Horizons))
		}
		for h, s := range r.Horizons {
			// Every tenth target of one of two services is missing.
			if want := float64(2*out.TestWindows) * 0.95; math.Abs(float64(s.Points)-want) > 3 {
				t.Errorf("%s step %d: %d points, want about %.0f", r.Method, h+1, s.Points, want)
			}
			if s.Points != out.Results[0].Horizons[h].Points {
				t.Errorf("%s is scored on other points than %s", r.Method, out.Results[0].Method)
			}
			if h > 0 && r.Method == baseline.Persistence && s.MAE <= r.Horizons[h-1].MAE {
				t.Errorf("persistence does not get worse from step %d on", h)
			}
		}
	}
}

// What happens in the test part changes nothing that was learned before it.
func TestNothingIsLearnedFromTheTestPart(t *testing.T) {
	task := matrix.Task(4, 3, levels, "")
	o := Options{Valid: 0.1, Test: 0.2, Level: 0.9}
	before, err := Run(t.Context(), waves(300), task, methods(), o)
	if err != nil {
		t.Fatal(err)
	}
	steps := waves(300)
	for _, s := range steps[260:] {
		s.Values[0] *= 100
	}
	after, err := Run(t.Context(), steps, task, methods(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range before.Results {
		if string(before.Results[i].State.Hash()) != string(after.Results[i].State.Hash()) {
			t.Errorf("%s learned from the test part", before.Results[i].Method)
		}
	}
}

func TestRunFails(t *testing.T) {
	task := matrix.Task(4, 3, levels, "")
	if _, err := Run(t.Context(), waves(20), task, methods(), Options{Valid: 0.1, Test: 0.2}); err == nil {
		t.Error("a history too short gives no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, waves(300), task, methods(), Options{Valid: 0.1, Test: 0.2}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
