package stgnn

import (
	"errors"
	"fmt"

	"presage/model"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// ErrNotFitted is returned where learned content is needed and there is none.
var ErrNotFitted = errors.New("stgnn: neither fitted nor restored")

// New makes a forecaster of the configured mode for a task. Its work is split over the lane's workers; nil means
// one thread.
func New(task model.Task, cfg Config, lane *pool.Lane) (model.Forecaster, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := checkTask(task); err != nil {
		return nil, err
	}
	if cfg.Mode == ModePaper {
		return &paper{task: task, cfg: cfg, lane: lane, tape: tensor.NewInference[float32](lane)}, nil
	}
	return &forecaster{task: task, cfg: cfg, lane: lane, tape: tensor.NewInference[float32](lane)}, nil
}

// forecaster is the default mode.
type forecaster struct {
	task    model.Task
	cfg     Config
	lane    *pool.Lane
	learned *learned // nil before the first fit
	ring    ring
	tape    *tensor.Tape[float32]
}

// Forecast implements model.Forecaster. A window shorter than T is filled up with missing
// slices in front; one with gaps, where they are.
func (s *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	if s.learned == nil {
		return model.Prediction{}, ErrNotFitted
	}
	l := s.learned
	steps, err := place(window, l.task)
	if err != nil {
		return model.Prediction{}, err
	}
	slices, news := s.ring.window(&l.basis, steps, l.newFeatures)
	last := steps[len(steps)-1]
	return model.Prediction{
		Services: last.Services, Levels: l.task.Levels,
		Values: l.predict(s.tape, newView(slices, last.At, news)),
	}, nil
}

// place puts the steps of a window at their distance from the last one: [T], nil where a
// slice is missing.
func place(window []*model.Step, t model.Task) ([]*model.Step, error) {
	if len(window) == 0 {
		return nil, fmt.Errorf("stgnn: no slice to forecast from: %w", model.ErrShortWindow)
	}
	out := make([]*model.Step, t.Input)
	last := window[len(window)-1]
	for _, s := range window {
		f := len(t.Channels)
		if n := len(s.Services) * f; len(s.Values) != n || len(s.Mask) != n {
			return nil, fmt.Errorf("stgnn: slice %d has %d values and %d mask entries, expected %d services × %d channels",
				s.At, len(s.Values), len(s.Mask), len(s.Services), f)
		}
		back := (last.At - s.At) / max(last.Width, 1)
		if back >= 0 && back < int64(t.Input) && s.Segment == last.Segment {
			out[int64(t.Input)-1-back] = s
		}
	}
	return out, nil
}
