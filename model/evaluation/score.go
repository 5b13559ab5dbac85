package evaluation

import (
	"math"

	"presage/model"
)

// HorizonScore is how good the forecasts for one step were; a mean over the seeds.
type HorizonScore struct {
	Step         int     `json:"step"`
	Points       int     `json:"points"`
	MAE          float64 `json:"mae"`  // target's unit, of the median
	RMSE         float64 `json:"rmse"` // target's unit, of the smeared mean
	MAEScaled    float64 `json:"mae_scaled"`
	RMSEScaled   float64 `json:"rmse_scaled"`
	DeviationMAE float64 `json:"deviation_mae"` // over the seeds
	R2Median     float64 `json:"r2_service_median"`
	R2Weighted   float64 `json:"r2_service_weighted"`
	R2Pooled     float64 `json:"r2_pooled"`
	Coverage     float64 `json:"coverage"`
	Width        float64 `json:"width"`
	Winkler      float64 `json:"winkler"`
	// WinklerRelative is the Winkler score over that of persistence with its conformal band.
	WinklerRelative float64 `json:"winkler_relative"`
}

// Filter says which points count: test window, service and step (0 is the next slice).
type Filter func(w, service, step int) bool

// All lets every point count.
func All(_, _, _ int) bool { return true }

// Common is the filter of the points that all records have a forecast of.
func (e *Exam) Common(records []*Record, also Filter) Filter {
	n, h := len(e.Services), e.Task.Horizons
	there := make([]bool, len(e.Truth))
	for k := range there {
		there[k] = e.Truth[k] == e.Truth[k]
		for _, r := range records {
			there[k] = there[k] && r.Yhat[k] == r.Yhat[k]
		}
	}
	return func(w, service, step int) bool { return there[(w*n+service)*h+step] && also(w, service, step) }
}

// NotInterpolated leaves out targets within exactly linear runs.
func (e *Exam) NotInterpolated(w, service, step int) bool {
	return !e.Linear[(w*len(e.Services)+service)*e.Task.Horizons+step]
}

// Score sums up the records of one method, a seed each, step by step.
func (e *Exam) Score(records []*Record, f Filter) []HorizonScore {
	out := make([]HorizonScore, e.Task.Horizons)
	for step := range out {
		s := &out[step]
		*s = HorizonScore{Step: step + 1}
		var maes model.Moments
		k := 1 / float64(len(records))
		for _, r := range records {
			natural, mean, scaled := e.scorers(r, step, f)
			s.Points = natural.Points
			s.MAE += k * natural.MAE
			s.RMSE += k * mean.RMSE
			s.MAEScaled += k * scaled.MAE
			s.RMSEScaled += k * scaled.RMSE
			s.R2Median += k * scaled.R2Median
			s.R2Weighted += k * scaled.R2Weighted
			s.R2Pooled += k * scaled.R2Pooled
			s.Coverage += k * natural.Coverage
			s.Width += k * natural.Width
			s.Winkler += k * natural.Winkler
			maes.Add(natural.MAE)
		}
		s.DeviationMAE = maes.Deviation()
	}
	return out
}

// scorers score one record at one step: the median in the target's unit, the mean there, and the median scaled.
func (e *Exam) scorers(r *Record, step int, f Filter) (natural, mean, scaled model.Score) {
	level := e.Task.Levels[len(e.Task.Levels)-1] - e.Task.Levels[0]
	a, b, c := model.NewScorer(level), model.NewScorer(level), model.NewScorer(level)
	n, h := len(e.Services), e.Task.Horizons
	for w := range e.Tests() {
		for i, service := range e.Services {
			at := (w*n+i)*h + step
			if !f(w, i, step) {
				continue
			}
			p := model.Point{
				Truth: float64(e.Truth[at]), Yhat: float64(r.Yhat[at]), Lower: float64(r.Lower[at]), Upper: float64(r.Upper[at]),
				Weight: float64(e.Weight[at]),
			}
			a.Add(service, p)
			m := p
			if e.Task.Log {
				m.Yhat = (p.Yhat+1)*r.Smear[step] - 1
			}
			b.Add(service, m)
			c.Add(service, model.Point{
				Truth: e.Scaler.Scaled(service, p.Truth), Yhat: e.Scaler.Scaled(service, p.Yhat),
				Lower: math.NaN(), Upper: math.NaN(), Weight: p.Weight,
			})
		}
	}
	return a.Score(), b.Score(), c.Score()
}
