package model

import (
	"context"
	"encoding/json"
)

// Forecaster is anything that forecasts, from persistence to STGNN.
//
// A Forecaster is used by one goroutine at a time.
type Forecaster interface {
	// Fit learns from train and stops by the error on valid; both are in time
	// order and may hold several segments; valid's windows begin after train's
	// last target. Fit returns ctx.Err() when told to stop. A Forecaster that
	// learns nothing returns at once. Fitting again starts from the weights of
	// the last fit if opt.Warm is set.
	Fit(ctx context.Context, train, valid []*Step, opt FitOptions) (FitReport, error)
	// Forecast speaks of the H slices after the window's last step. The window
	// holds at most T steps of one segment; with fewer than T a Forecaster gives
	// what it can, or ErrShortWindow. The prediction's Values may be memory of the
	// Forecaster, which its next Forecast overwrites: who keeps them longer copies them.
	Forecast(window []*Step) (Prediction, error)
	// State is all that Forecast needs; Restore takes it back. Restoring the
	// state of another task or network is an error.
	State() (State, error)
	Restore(State) error
}

// FitOptions are the choices of one training run.
type FitOptions struct {
	Seed   uint64
	Epochs int  // upper bound; 0 means the forecaster's own default
	Warm   bool // start from the present weights
	// Stop is asked before every step of a training; true ends it with the best weights so far. nil is allowed.
	Stop func() bool
	// Progress is told after every epoch; nil is allowed.
	Progress func(FitProgress)
}

// FitProgress is one line of a training run.
type FitProgress struct {
	Epoch, Epochs int
	TrainLoss     float64
	ValidError    float64 // mean absolute error on the validation windows, target's unit
}

// FitReport says how a training run ended.
type FitReport struct {
	Epochs     int
	BestEpoch  int
	ValidError float64 // at the best epoch, target's unit
	Parameters int
	Windows    int // training windows
	Stopped    string
	Cut        bool // Stop ended it
	Diverged   bool // a loss that was not finite ended it; the weights are the last good ones
}

// State is a forecaster's learned content: tensors by name and everything else as
// JSON. The registry stores it as safetensors and a card.
type State struct {
	Meta    json.RawMessage
	Tensors map[string]Tensor
}

// Tensor is a stored array, row-major.
type Tensor struct {
	Shape []int
	Data  []float32
}

// New makes a forecaster for a task; each network and baseline has one.
type New func(Task) (Forecaster, error)

// Method is a forecaster by its name; the name begins a model version.
type Method struct {
	Name string
	New  New
}
