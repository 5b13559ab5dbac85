package evaluation

import (
	"time"

	"presage/model"
)

// Method is a forecaster that takes part.
type Method struct {
	Name     string
	Protocol string // "published", "common", or "" where there is only one way
	New      model.New
	// Seeded says that another seed gives another result: such methods are run with every seed.
	Seeded bool
}

// ID names a method with its protocol.
func (m Method) ID() string {
	if m.Protocol == "" {
		return m.Name
	}
	return m.Name + "/" + m.Protocol
}

// Options say how a method is run.
type Options struct {
	Seed   uint64
	Epochs int           // upper bound; 0: the method's own
	Budget time.Duration // of one fit; 0: none
	// Now is the clock by which budgets and durations are told.
	Now      func() time.Time
	Progress func(model.FitProgress)
}

// Record is how one method with one seed did: its forecasts of all test windows, with the intervals that the live
// loop would have published.
type Record struct {
	Method, Protocol string
	Seed             uint64
	Report           model.FitReport
	TrainSeconds     float64
	ForecastSeconds  float64   // of all windows together
	Yhat             []float32 // [W, N, H], NaN where there is none
	Lower, Upper     []float32 // [W, N, H]
	Smear            []float64 // [H] what (yhat + 1) is multiplied with to make a mean of a median, on a log scale
}

// ID names the record's method with its protocol.
func (r *Record) ID() string { return Method{Name: r.Method, Protocol: r.Protocol}.ID() }
