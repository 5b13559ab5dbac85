package evaluation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"presage/model"
)

// ErrLeak is returned for a method whose forecasts depend on what comes after them.
var ErrLeak = errors.New("the forecast depends on values after its origin")

// Run fits a method to the training part and forecasts every test window.
func (e *Exam) Run(ctx context.Context, m Method, o Options) (*Record, error) {
	f, err := m.New(e.Task)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID(), err)
	}
	r := &Record{Method: m.Name, Protocol: m.Protocol, Seed: o.Seed}
	begun := o.Now()
	opt := model.FitOptions{Seed: o.Seed, Epochs: o.Epochs, Progress: o.Progress}
	if o.Budget > 0 {
		opt.Stop = func() bool { return o.Now().Sub(begun) > o.Budget }
	}
	restore := overwrite(e.Steps, lastAt(e.Parts.Valid))
	r.Report, err = f.Fit(ctx, slices.Clip(e.Parts.Train), slices.Clip(e.Parts.Valid), opt)
	restore()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID(), err)
	}
	r.TrainSeconds = o.Now().Sub(begun).Seconds()
	begun = o.Now()
	if err := e.forecast(ctx, f, r); err != nil {
		return nil, fmt.Errorf("%s: %w", m.ID(), err)
	}
	r.ForecastSeconds = o.Now().Sub(begun).Seconds()
	return r, nil
}

func lastAt(steps []*model.Step) int64 { return steps[len(steps)-1].At }

// overwrite puts nonsense into all steps after an instant and returns what puts the values back. Steps are shared:
// nobody else may read them meanwhile.
func overwrite(steps []*model.Step, after int64) (restore func()) {
	type kept struct {
		step         *model.Step
		values, mask []float32
	}
	var all []kept
	for k, s := range steps {
		if s.At <= after {
			continue
		}
		all = append(all, kept{s, append([]float32(nil), s.Values...), append([]float32(nil), s.Mask...)})
		for i := range s.Values {
			s.Values[i], s.Mask[i] = float32(1+(k*31+i*17)%97), 1
		}
	}
	return func() {
		for _, k := range all {
			copy(k.step.Values, k.values)
			copy(k.step.Mask, k.mask)
		}
	}
}

// observer is a forecaster that follows the stream beside its windows, as the seasonal ones do.
type observer interface{ Observe(*model.Step) }

// forecast goes through the validation and test windows in time order, as the live loop does: intervals are corrected by
// what was due before a window's origin.
func (e *Exam) forecast(ctx context.Context, f model.Forecaster, r *Record) error {
	n, h := len(e.Services), e.Task.Horizons
	r.Yhat, r.Lower, r.Upper = filled(e.Tests()*n*h), filled(e.Tests()*n*h), filled(e.Tests()*n*h)
	smear := newSmearing(h)
	c := newCalibrator(e.Task)
	follow := follower{steps: e.Parts.Judge}
	for k, w := range e.Windows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if o, ok := f.(observer); ok && k >= e.First {
			follow.upTo(w.Origin().At, o)
		}
		p, err := f.Forecast(w.Input)
		if err == nil && e.probes(k-e.First) {
			err = e.checkFuture(f, w, p)
		}
		if err != nil {
			return err
		}
		c.known(w.Origin().At)
		points := c.intervals(p)
		if k >= e.First {
			r.put(points, model.Index(e.Services, p.Services), (k-e.First)*n, h)
		}
		c.issue(w, p.Services, func(_ string, step int, q model.Point) {
			if k < e.First {
				smear.add(step, q)
			}
		})
	}
	r.Smear = smear.factors(e.Task.Log)
	return nil
}

// put writes the points of a window [N, H], whose services have the given rows; its first row in the record is first.
func (r *Record) put(points []model.Point, rows []int32, first, h int) {
	for i, row := range rows {
		if row < 0 {
			continue
		}
		at := (first + int(row)) * h
		for step, p := range points[i*h : (i+1)*h] {
			r.Yhat[at+step], r.Lower[at+step], r.Upper[at+step] = float32(p.Yhat), float32(p.Lower), float32(p.Upper)
		}
	}
}

func filled(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// follower tells an observer each step once.
type follower struct {
	steps []*model.Step
	next  int
}

func (f *follower) upTo(at int64, o observer) {
	for f.next < len(f.steps) && f.steps[f.next].At <= at {
		o.Observe(f.steps[f.next])
		f.next++
	}
}

// checked is the number of test windows that are forecast again with another future.
const checked = 4

// probes says whether a test window is one of those.
func (e *Exam) probes(w int) bool {
	if w < 0 {
		return false
	}
	for k := range checked {
		if w == k*(e.Tests()-1)/max(checked-1, 1) {
			return true
		}
	}
	return false
}

// checkFuture forecasts again with all that comes after the origin overwritten: nothing may move.
func (e *Exam) checkFuture(f model.Forecaster, w model.Window, p model.Prediction) error {
	before := append([]float32(nil), p.Values...)
	restore := overwrite(e.Steps, w.Origin().At)
	again, err := f.Forecast(w.Input)
	restore()
	if err != nil {
		return err
	}
	for k, now := range again.Values {
		if was := before[k]; was != now && (was == was || now == now) {
			row := k / (e.Task.Horizons * len(e.Task.Levels))
			return fmt.Errorf("%w: service %s at %s: %g, and %g with another future",
				ErrLeak, p.Services[row], time.Unix(0, w.Origin().At).UTC().Format(time.RFC3339), was, now)
		}
	}
	return nil
}
