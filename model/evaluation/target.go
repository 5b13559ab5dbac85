package evaluation

import (
	"math"

	"presage/model"
)

// TargetScore is how good one figure a window and service was.
type TargetScore struct {
	Points           int     `json:"points"`
	MAE              float64 `json:"mae"`
	RMSE             float64 `json:"rmse"`
	MAEScaled        float64 `json:"mae_scaled"`
	R2Median         float64 `json:"r2_service_median"`
	R2Pooled         float64 `json:"r2_pooled"`
	VarianceOfTarget float64 `json:"target_variance"` // scaled, mean over the services
}

// MeanTarget scores the mean of all steps of a forecast against the mean of what happened in them; Next scores the first
// step. Where reports whether a window counts, by its origin.
func (e *Exam) MeanTarget(r *Record, where func(origin *model.Step) bool) TargetScore {
	return e.target(r, e.Task.Horizons, where)
}

// Next scores the first step of a forecast.
func (e *Exam) Next(r *Record, where func(origin *model.Step) bool) TargetScore {
	return e.target(r, 1, where)
}

// target scores the mean of the first steps.
func (e *Exam) target(r *Record, steps int, where func(origin *model.Step) bool) TargetScore {
	natural, scaled := model.NewScorer(0.9), model.NewScorer(0.9)
	n, h := len(e.Services), e.Task.Horizons
	spread := make([]model.Moments, n)
	for w := range e.Tests() {
		if !where(e.Windows[e.First+w].Origin()) {
			continue
		}
		for i, service := range e.Services {
			at := (w*n + i) * h
			truth, yhat := mean(e.Truth[at:at+steps]), mean(r.Yhat[at:at+steps])
			if math.IsNaN(truth) || math.IsNaN(yhat) {
				continue
			}
			nan := math.NaN()
			natural.Add(service, model.Point{Truth: truth, Yhat: yhat, Lower: nan, Upper: nan})
			p := model.Point{Truth: e.Scaler.Scaled(service, truth), Yhat: e.Scaler.Scaled(service, yhat), Lower: nan, Upper: nan}
			scaled.Add(service, p)
			spread[i].Add(p.Truth)
		}
	}
	a, b := natural.Score(), scaled.Score()
	var variance model.Moments
	for _, m := range spread {
		if m.Count > 0 {
			variance.Add(m.Deviation() * m.Deviation())
		}
	}
	return TargetScore{
		Points: a.Points, MAE: a.MAE, RMSE: a.RMSE, MAEScaled: b.MAE, R2Median: b.R2Median, R2Pooled: b.R2Pooled,
		VarianceOfTarget: variance.Mean,
	}
}

// mean of values none of which is missing; else NaN.
func mean(values []float32) float64 {
	var sum float64
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}
