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
	return &forecaster{task: task, cfg: cfg, lane: lane}, nil
}

// forecaster is the default mode.
type forecaster struct {
	task    model.Task
	cfg     Config
	lane    *pool.Lane
	learned *learned // nil before the first fit
	ring    ring
	live    *live // of learned; nil before its first forecast
}

// Forecast implements model.Forecaster. A window shorter than T is filled up with missing
// slices in front; one with gaps, where they are. Values are the forecaster's memory, overwritten by its
// next forecast.
func (s *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	if s.learned == nil {
		return model.Prediction{}, ErrNotFitted
	}
	s.lane.Begin()
	defer s.lane.End()
	if s.live == nil || s.live.l != s.learned {
		s.live = newLive(s.learned, &s.ring, s.lane)
	}
	if err := s.live.forecast(&s.ring, window); err != nil {
		return model.Prediction{}, err
	}
	return s.live.prediction(s.learned.task), nil
}

// arrange puts the steps of a window at their distance from the last one: out is [T], nil where a
// slice is missing.
func arrange(out, window []*model.Step, t model.Task) error {
	if len(window) == 0 {
		return fmt.Errorf("stgnn: no slice to forecast from: %w", model.ErrShortWindow)
	}
	clear(out)
	last := window[len(window)-1]
	f := len(t.Channels)
	for _, s := range window {
		if n := len(s.Services) * f; len(s.Values) != n || len(s.Mask) != n {
			return fmt.Errorf("stgnn: slice %d has %d values and %d mask entries, expected %d services × %d channels",
				s.At, len(s.Values), len(s.Mask), len(s.Services), f)
		}
		back := (last.At - s.At) / max(last.Width, 1)
		if back >= 0 && back < int64(t.Input) && s.Segment == last.Segment {
			out[int64(t.Input)-1-back] = s
		}
	}
	return nil
}
