package online

import (
	"fmt"
	"math"

	"presage/model"
	"presage/windower/slice"
)

// Loop is the live state of one graph.
type Loop struct {
	cfg      Config
	stepper  model.Stepper
	tracks   []*track
	history  []*model.Step // the last MaxHistory slices, in time order
	window   []*model.Step // the last T of them that are contiguous
	index    int64         // of the last slice observed or remembered
	from     int64         // as the checkpoint says
	width    int64
	started  bool
	nonEmpty int64 // slices with at least one observed target
}

// Outcome is what a snapshot brought.
type Outcome struct {
	Index     int64
	Ignored   string           // why the snapshot changed nothing; empty as a rule
	Forecasts []model.Forecast // by target and service
	Targets   []TargetOutcome  // in the order of Config.Targets
	Jobs      []Job            // trainings that are due now
	Services  int              // rows forecast from
	Note      string           // something a person should know, once
}

// TargetOutcome is one target's part of an Outcome.
type TargetOutcome struct {
	Target     string
	Serving    string  // the model version or baseline that serves
	Due        []Tally // [H] what came due, by step
	Unforecast int     // services that nothing can be said of: their target was never observed in the window
	Expired    int     // points that can never come due, because their segment ended or the service left
}

// New makes a loop that has seen nothing.
func New(cfg Config) (*Loop, error) {
	cfg.defaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	opt, tasks, err := cfg.tasks()
	if err != nil {
		return nil, err
	}
	l := &Loop{cfg: cfg, stepper: model.Stepper{Options: opt, Keep: cfg.Input}, index: math.MinInt64, from: math.MinInt64}
	for i, task := range tasks {
		t, err := newTrack(&l.cfg, cfg.Targets[i], task)
		if err != nil {
			return nil, err
		}
		l.tracks = append(l.tracks, t)
	}
	return l, nil
}

// Index is the last slice that was observed, remembered or resumed at.
func (l *Loop) Index() int64 { return l.index }

// LastStart is the start of that slice in Unix nanoseconds; ok is false before the
// first.
func (l *Loop) LastStart() (start int64, ok bool) {
	if l.index == math.MinInt64 {
		return 0, false
	}
	return l.index * l.width, true
}

// From is the index of the oldest slice that Remember needs after Resume, so that the
// history is the same again; math.MinInt64 before the first slice.
func (l *Loop) From() int64 {
	if len(l.history) == 0 {
		return l.from
	}
	// The slices before the oldest step decide which services it keeps rows for.
	return l.history[0].At/l.width - int64(l.cfg.Input)
}

// Rebuild tells how a loop without a checkpoint gets to a slice whose forecasts have
// been published: from which slice on snapshots are needed, and from which on they are observed, rather than
// remembered. The slices observed warm the calibrations and the comparison of entrants, and the first training is due
// with the last of them.
func (l *Loop) Rebuild(newest int64) (from, observe int64) {
	return newest - int64(l.cfg.MaxHistory+l.cfg.Input), newest - int64(l.cfg.FirstTraining) + 1
}

// Remember takes a snapshot into the history and into the memory of forecasters that
// have one; nothing is forecast or scored. It is for the slices up to a checkpoint.
func (l *Loop) Remember(s *slice.Snapshot) error {
	if err := l.check(s); err != nil {
		return err
	}
	if n := len(l.history); n > 0 && s.Start() <= l.history[n-1].At {
		return nil
	}
	step := l.remember(s)
	l.index = max(l.index, s.Index)
	for _, t := range l.tracks {
		for _, e := range t.entrants {
			if o, ok := e.forecaster.(observer); ok {
				o.Observe(step)
			}
		}
	}
	return nil
}

func (l *Loop) remember(s *slice.Snapshot) *model.Step {
	step := l.stepper.Next(s)
	if n := len(l.window); n > 0 && !l.window[n-1].Contiguous(step) {
		l.window = nil
	}
	l.window = append(l.window, step)
	if len(l.window) > l.cfg.Input {
		l.window = l.window[1:]
	}
	l.history = append(l.history, step)
	if len(l.history) > l.cfg.MaxHistory {
		l.history = l.history[1:]
	}
	return step
}

func (l *Loop) check(s *slice.Snapshot) error {
	if s.Graph != l.cfg.Graph {
		return fmt.Errorf("slice %d is of graph %q, expected %q", s.Index, s.Graph, l.cfg.Graph)
	}
	if s.Width <= 0 || l.width != 0 && s.Width != l.width {
		return fmt.Errorf("slice %d of graph %q is %d ns wide, expected %d: a graph's slice width cannot change; use a new graph name or state folder",
			s.Index, s.Graph, s.Width, l.width)
	}
	l.width = s.Width
	return nil
}

// Observe takes the next snapshot. A slice that was observed already, and a later
// revision of one, change nothing: forecasts and trainings use slices as they were known at first.
func (l *Loop) Observe(s *slice.Snapshot) (Outcome, error) {
	if err := l.check(s); err != nil {
		return Outcome{}, err
	}
	out := Outcome{Index: s.Index}
	switch {
	case s.Revision > 1:
		out.Ignored = "revision"
		return out, nil
	case s.Index <= l.index:
		out.Ignored = "already observed"
		return out, nil
	}
	step := l.remember(s)
	l.index, l.started = s.Index, true
	out.Services = len(step.Services)
	observed := false
	for _, t := range l.tracks {
		to, any := t.due(step, s.Index)
		observed = observed || any
		t.choose()
		forecasts := t.forecast(l.window, s, &to)
		out.Forecasts = append(out.Forecasts, forecasts...)
		out.Targets = append(out.Targets, to)
	}
	if observed {
		l.nonEmpty++
	}
	l.schedule(&out)
	return out, nil
}
