package trial

import (
	"context"
	"fmt"
	"math"

	"presage/model"
)

// Options say how a trial is done.
type Options struct {
	Valid, Test float64 // shares of the windows, e.g. 0.1 and 0.2
	Level       float64 // of the intervals that are scored
	Seed        uint64
	Epochs      int // upper bound; 0: the method's own
	Progress    func(method string, p model.FitProgress)
}

// Result is how one method did.
type Result struct {
	Method   string
	Report   model.FitReport
	State    model.State   // what was learned
	Horizons []model.Score // [H], on the test windows
}

// Outcome is a whole trial.
type Outcome struct {
	TrainWindows, ValidWindows, TestWindows int
	From, To                                int64 // start of the first and last slice that was learned from
	Results                                 []Result
}

// Run fits every method to the first part of the steps and scores all of them on
// the last. Points that one of the methods has no forecast for count for none.
func Run(ctx context.Context, steps []*model.Step, task model.Task, methods []model.Method, o Options) (Outcome, error) {
	parts, err := model.Split(steps, task.Input, task.Horizons, o.Valid, o.Test)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{
		TrainWindows: len(model.Origins(parts.Train, task.Input, task.Horizons)),
		ValidWindows: len(model.Origins(parts.Valid, task.Input, task.Horizons)),
		From:         parts.Train[0].At,
		To:           parts.Valid[len(parts.Valid)-1].At,
	}
	forecasters := make([]model.Forecaster, len(methods))
	for i, m := range methods {
		f, err := m.New(task)
		if err != nil {
			return out, fmt.Errorf("%s: %w", m.Name, err)
		}
		opt := model.FitOptions{Seed: o.Seed, Epochs: o.Epochs}
		if o.Progress != nil {
			opt.Progress = func(p model.FitProgress) { o.Progress(m.Name, p) }
		}
		report, err := f.Fit(ctx, parts.Train, parts.Valid, opt)
		if err != nil {
			return out, fmt.Errorf("%s: %w", m.Name, err)
		}
		state, err := f.State()
		if err != nil {
			return out, fmt.Errorf("%s: %w", m.Name, err)
		}
		forecasters[i] = f
		out.Results = append(out.Results, Result{Method: m.Name, Report: report, State: state})
	}
	windows := model.Windows(parts.Judge, task.Input, task.Horizons)
	out.TestWindows = len(windows)
	return out, score(ctx, out.Results, forecasters, windows, task, o.Level)
}

// score forecasts every window by every forecaster.
func score(ctx context.Context, results []Result, forecasters []model.Forecaster, windows []model.Window, task model.Task, level float64) error {
	scorers := make([][]*model.Scorer, len(results))
	for i := range scorers {
		for range task.Horizons {
			scorers[i] = append(scorers[i], model.NewScorer(level))
		}
	}
	for _, w := range windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		predictions := make([]model.Prediction, len(forecasters))
		for i, f := range forecasters {
			p, err := f.Forecast(w.Input)
			if err != nil {
				return fmt.Errorf("%s: %w", results[i].Method, err)
			}
			predictions[i] = p
		}
		for h, target := range w.Target {
			addPoints(scorers, predictions, w.Origin(), target, task, h)
		}
	}
	for i := range results {
		for _, s := range scorers[i] {
			results[i].Horizons = append(results[i].Horizons, s.Score())
		}
	}
	return nil
}

// addPoints adds what every forecaster said of one slice.
func addPoints(scorers [][]*model.Scorer, predictions []model.Prediction, origin, target *model.Step, task model.Task, h int) {
	median, q := task.Median(), len(task.Levels)
	rows := model.Index(target.Services, origin.Services)
	for row, service := range origin.Services {
		at := rows[row]
		if at < 0 {
			continue
		}
		truth, ok := target.Value(int(at), task.Target)
		if !ok || !allFinite(predictions, row, task, h) {
			continue
		}
		for i, p := range predictions {
			v := p.Values[(row*task.Horizons+h)*q:][:q]
			scorers[i][h].Add(service, model.Point{
				Truth: truth, Yhat: float64(v[median]), Lower: float64(v[0]), Upper: float64(v[q-1]),
			})
		}
	}
}

func allFinite(predictions []model.Prediction, row int, task model.Task, h int) bool {
	q := len(task.Levels)
	for _, p := range predictions {
		v := float64(p.Values[(row*task.Horizons+h)*q+task.Median()])
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
