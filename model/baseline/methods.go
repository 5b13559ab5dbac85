package baseline

import (
	"context"
	"fmt"
	"math"

	"presage/model"
)

// The methods' names.
const (
	Persistence       = "persistence"
	Seasonal          = "seasonal"
	SeasonalWeek      = "seasonal-week"
	Average           = "average"
	Weighted          = "ewma"
	Profile           = "profile"
	PredictLinear     = "predict-linear"
	DoubleExponential = "double-exponential"
	HoltWinters       = "holt-winters"
)

// Methods are the baselines that serve live. Persistence is the first.
func Methods() []model.Method {
	return []model.Method{
		{Name: Persistence, New: NewPersistence},
		{Name: Seasonal, New: NewSeasonal},
		{Name: Average, New: NewAverage},
	}
}

// All are all statistical baselines: those that serve live, and those that a comparison
// must carry besides. Persistence is the first.
func All() []model.Method {
	return []model.Method{
		{Name: Persistence, New: NewPersistence},
		{Name: Seasonal, New: NewSeasonal},
		{Name: SeasonalWeek, New: NewSeasonalWeek},
		{Name: Average, New: NewAverage},
		{Name: Weighted, New: NewWeighted},
		{Name: Profile, New: NewProfile},
		{Name: PredictLinear, New: NewPredictLinear},
		{Name: DoubleExponential, New: NewDoubleExponential},
		{Name: HoltWinters, New: NewHoltWinters},
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
	return newSeasonal(Seasonal, t, dayNs)
}

// NewSeasonalWeek makes the forecaster that repeats the value of the same time of the week
// before, where it does not know that the day before's, and else the last value. It
// remembers the last week of the steps that Fit and Observe gave it.
func NewSeasonalWeek(t model.Task) (model.Forecaster, error) {
	return newSeasonal(SeasonalWeek, t, 7*dayNs)
}

func newSeasonal(name string, t model.Task, period int64) (model.Forecaster, error) {
	d := &day{task: t, period: period}
	f, err := newForecaster(name, t, func(w []*model.Step) []float64 {
		values := flat(t, last(t, w))
		d.overwrite(values, w[len(w)-1], dayNs)
		if period != dayNs {
			d.overwrite(values, w[len(w)-1], period)
		}
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
	day    *day // of the seasonal methods alone
	core   Core // of the methods that learn their centre
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

// Fit learns the centre, where the method has something to learn, and the band. A centre
// that was learned from train gets its band from valid, where it meets what it has not seen. For the
// others the band is learned from train, and valid serves for the reported error and, as train, for
// the seasonal methods' memory.
func (f *forecaster) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	if f.day != nil {
		f.day.learn(train, valid)
	}
	windows := model.Windows(train, f.task.Input, f.task.Horizons)
	unseen := model.Windows(valid, f.task.Input, f.task.Horizons)
	report := model.FitReport{Windows: len(windows), Stopped: "nothing to iterate"}
	forBand := windows
	if f.core != nil {
		var err error
		if report, err = f.core.Learn(ctx, train, valid, opt); err != nil {
			return model.FitReport{}, err
		}
		if len(unseen) > 0 {
			forBand = unseen
		}
	}
	if err := f.band.fit(ctx, f.centre, forBand); err != nil {
		return model.FitReport{}, err
	}
	var err error
	if report.ValidError, err = f.absoluteError(ctx, unseen); err != nil {
		return model.FitReport{}, err
	}
	if f.day != nil {
		f.day.trim()
	}
	return report, nil
}

// absoluteError is the mean absolute error of the centre.
func (f *forecaster) absoluteError(ctx context.Context, windows []model.Window) (float64, error) {
	score := model.NewScorer(0.9)
	for _, w := range windows {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		eachPoint(f.task, w, f.centre(w.Input), func(service string, _ int, truth, centre float64) {
			score.Add(service, model.Point{Truth: truth, Yhat: centre, Lower: math.NaN(), Upper: math.NaN()})
		})
	}
	return score.Score().MAE, nil
}

// Forecast gives the centre with its band for any window of at least one step.
func (f *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	if len(window) == 0 {
		return model.Prediction{}, fmt.Errorf("%s: %w", f.name, model.ErrShortWindow)
	}
	return f.band.prediction(window, f.centre(window)), nil
}
