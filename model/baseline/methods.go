package baseline

import (
	"context"
	"fmt"
	"math"

	"presage/model"
)

// The methods' names.
const (
	Persistence = "persistence"
	Seasonal    = "seasonal"
	Average     = "average"
)

// Methods are all baselines. Persistence is the first.
func Methods() []model.Method {
	return []model.Method{
		{Name: Persistence, New: NewPersistence},
		{Name: Seasonal, New: NewSeasonal},
		{Name: Average, New: NewAverage},
	}
}

// NewPersistence makes the forecaster that repeats the last observed value of the
// window.
func NewPersistence(t model.Task) (model.Forecaster, error) {
	return newForecaster(Persistence, t, func(w []*model.Step) []float64 { return flat(t, last(t, w)) })
}

// NewAverage makes the forecaster that repeats the mean of the window's observed
// values.
func NewAverage(t model.Task) (model.Forecaster, error) {
	return newForecaster(Average, t, func(w []*model.Step) []float64 { return flat(t, mean(t, w)) })
}

// NewSeasonal makes the forecaster that repeats the value of the same time of the
// day before, and the last value where it does not know that. It remembers the last day
// of the steps that Fit and Observe gave it.
func NewSeasonal(t model.Task) (model.Forecaster, error) {
	d := &day{task: t}
	f, err := newForecaster(Seasonal, t, func(w []*model.Step) []float64 {
		values := flat(t, last(t, w))
		d.overwrite(values, w[len(w)-1])
		return values
	})
	if err != nil {
		return nil, err
	}
	f.day = d
	return f, nil
}

// forecaster is a centre with a band.
type forecaster struct {
	name   string
	task   model.Task
	centre func(window []*model.Step) []float64 // [N, H], NaN where there is nothing to say
	band   band
	day    *day // of the seasonal method alone
}

func newForecaster(name string, t model.Task, centre func([]*model.Step) []float64) (*forecaster, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &forecaster{name: name, task: t, centre: centre, band: band{task: t}}, nil
}

// Observe tells the forecaster the next step of the live stream.
func (f *forecaster) Observe(s *model.Step) {
	if f.day != nil {
		f.day.add(s)
	}
}

// Fit learns the band from train; valid serves for the reported error and, as
// train, for the seasonal method's memory.
func (f *forecaster) Fit(ctx context.Context, train, valid []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	if f.day != nil {
		f.day.learn(train, valid)
	}
	windows := model.Windows(train, f.task.Input, f.task.Horizons)
	if err := f.band.fit(ctx, f.centre, windows); err != nil {
		return model.FitReport{}, err
	}
	r := model.FitReport{Windows: len(windows), Stopped: "nothing to iterate"}
	score := model.NewScorer(0.9)
	for _, w := range model.Windows(valid, f.task.Input, f.task.Horizons) {
		if err := ctx.Err(); err != nil {
			return model.FitReport{}, err
		}
		eachPoint(f.task, w, f.centre(w.Input), func(service string, _ int, truth, centre float64) {
			score.Add(service, model.Point{Truth: truth, Yhat: centre, Lower: math.NaN(), Upper: math.NaN()})
		})
	}
	r.ValidError = score.Score().MAE
	if f.day != nil {
		f.day.trim()
	}
	return r, nil
}

// Forecast gives the centre with its band for any window of at least one step.
func (f *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	if len(window) == 0 {
		return model.Prediction{}, fmt.Errorf("%s: %w", f.name, model.ErrShortWindow)
	}
	return f.band.prediction(window, f.centre(window)), nil
}

// last is the last observed target of each service of the window's last step.
func last(t model.Task, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	values := missing(len(services))
	left := len(services)
	for k := len(window) - 1; k >= 0 && left > 0; k-- {
		for i, r := range model.Index(window[k].Services, services) {
			if r < 0 || !math.IsNaN(values[i]) {
				continue
			}
			if v, ok := window[k].Value(int(r), t.Target); ok {
				values[i] = v
				left--
			}
		}
	}
	return values
}

// mean is the mean of the observed targets of each service of the last step.
func mean(t model.Task, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	values := missing(len(services))
	counts := make([]float64, len(services))
	for _, s := range window {
		for i, r := range model.Index(s.Services, services) {
			if r < 0 {
				continue
			}
			if v, ok := s.Value(int(r), t.Target); ok {
				if counts[i] == 0 {
					values[i] = 0
				}
				counts[i]++
				values[i] += v
			}
		}
	}
	for i := range values {
		values[i] /= counts[i]
	}
	return values
}

// flat repeats a value for every horizon: [N] to [N, H].
func flat(t model.Task, values []float64) []float64 {
	out := make([]float64, 0, len(values)*t.Horizons)
	for _, v := range values {
		for range t.Horizons {
			out = append(out, v)
		}
	}
	return out
}

func missing(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// eachPoint calls f for every observed target of the window that has a centre.
func eachPoint(t model.Task, w model.Window, centre []float64, f func(service string, h int, truth, centre float64)) {
	services := w.Origin().Services
	for h, step := range w.Target {
		for i, r := range model.Index(step.Services, services) {
			if r < 0 {
				continue
			}
			c := centre[i*t.Horizons+h]
			if v, ok := step.Value(int(r), t.Target); ok && !math.IsNaN(c) {
				f(services[i], h, v, c)
			}
		}
	}
}
