package model

import (
	"errors"
	"fmt"
)

// ErrShortWindow is returned by a Forecaster that needs more steps than the
// window holds.
var ErrShortWindow = errors.New("window shorter than the input")

// Window is one forecasting exercise: the steps before and at the origin, and the
// steps that the forecast speaks of.
type Window struct {
	Input  []*Step // [T], the last one is the origin
	Target []*Step // [H]
}

// Origin is the window's last known step.
func (w Window) Origin() *Step { return w.Input[len(w.Input)-1] }

// Contiguous reports whether next follows s at once, in the same segment.
func (s *Step) Contiguous(next *Step) bool {
	return next.Segment == s.Segment && next.At == s.At+s.Width
}

// Windows are all windows of a history in time order, none of which crosses a
// segment or a missing slice.
func Windows(steps []*Step, input, horizons int) []Window {
	var ws []Window
	for _, o := range Origins(steps, input, horizons) {
		ws = append(ws, Window{Input: steps[o-input+1 : o+1], Target: steps[o+1 : o+1+horizons]})
	}
	return ws
}

// Origins are the places in steps of the windows' origins.
func Origins(steps []*Step, input, horizons int) []int {
	var origins []int
	run := 0 // contiguous steps up to and with i
	for i := range steps {
		if i > 0 && steps[i-1].Contiguous(steps[i]) {
			run++
		} else {
			run = 1
		}
		if run >= input+horizons {
			origins = append(origins, i-horizons)
		}
	}
	return origins
}

// Parts are a history cut in time order: to learn from, to stop and select by, and
// to judge by.
type Parts struct {
	Train, Valid, Judge []*Step
}

// Split cuts a history so that Valid and Judge hold the given shares of its
// windows. Between the last slice of a part and the first target of the next lie
// T + H slices (the embargo); the T slices of input before that first target are in it and
// in the later part only. It fails where a part would be left without a window.
func Split(steps []*Step, input, horizons int, valid, judge float64) (Parts, error) {
	whole := steps
	cut := func(share float64) ([]*Step, error) {
		origins := Origins(steps, input, horizons)
		place := len(origins) - int(share*float64(len(origins))+0.5)
		if len(origins) == 0 || place >= len(origins) || place <= 0 {
			return nil, fmt.Errorf("%d slices hold %d windows of %d + %d slices: too few to split into training, validation and judgement with an embargo",
				len(whole), len(Origins(whole, input, horizons)), input, horizons)
		}
		o := origins[place]
		part := steps[o-input+1:]
		steps = steps[:max(0, o+1-input-horizons)]
		return part, nil
	}
	var p Parts
	var err error
	if judge > 0 {
		if p.Judge, err = cut(judge); err != nil {
			return Parts{}, err
		}
	}
	if valid > 0 {
		// The share is of the whole history's windows, most of which are left.
		if p.Valid, err = cut(valid / (1 - judge)); err != nil {
			return Parts{}, err
		}
	}
	p.Train = steps
	if len(Origins(p.Train, input, horizons)) == 0 {
		return Parts{}, fmt.Errorf("%d slices leave no training window of %d + %d slices", len(whole), input, horizons)
	}
	return p, nil
}
