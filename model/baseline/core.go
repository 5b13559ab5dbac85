package baseline

import (
	"context"
	"encoding/json"

	"presage/model"
)

// Core is the part of a method that learns: the centre of its forecasts. New puts the
// band around it. A core is used by one goroutine at a time.
type Core interface {
	// Learn fits the core to train and stops or chooses by valid, which may be empty. The
	// report's ValidError is filled in by the caller.
	Learn(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error)
	// Centre is the forecast [N, H] in the target's unit for the services of the window's
	// last step, NaN where there is nothing to say. Before any Learn it is the last value or better.
	Centre(window []*model.Step) []float64
	// Save is all that Centre needs, as JSON and tensors (no tensor is called "offsets" or
	// "day"); Load takes it back, and changes nothing where it fails.
	Save() (json.RawMessage, map[string]model.Tensor, error)
	Load(meta json.RawMessage, tensors map[string]model.Tensor) error
}

// New makes a forecaster of a core: its centre, with a band of conformal quantiles of the
// residuals on the validation windows (on the training windows where there are none).
func New(name string, t model.Task, c Core) (model.Forecaster, error) {
	f, err := newForecaster(name, t, c.Centre)
	if err != nil {
		return nil, err
	}
	f.core = c
	return f, nil
}

// maxChosenBy bounds how many series × windows a constant is chosen by.
const maxChosenBy = 20_000

// thinned are windows in even distances, so few that they hold at most most series.
func thinned(windows []model.Window, most int) []model.Window {
	if len(windows) == 0 {
		return nil
	}
	stride := 1 + len(windows)*len(windows[0].Origin().Services)/most
	var some []model.Window
	for k := 0; k < len(windows); k += stride {
		some = append(some, windows[k])
	}
	return some
}
