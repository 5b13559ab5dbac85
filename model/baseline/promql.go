package baseline

import (
	"presage/model"
)

// The factors that a user of double_exponential_smoothing writes: the function has no
// defaults, and these are the customary ones.
const (
	smoothingFactor = 0.5
	trendFactor     = 0.1
)

// NewPredictLinear makes PromQL's predict_linear over the window: a line by least squares
// through the observed values at their own times, on their natural scale, read at the time of each horizon and
// never below zero where the task is one of logarithms. A single observation is repeated.
func NewPredictLinear(t model.Task) (model.Forecaster, error) {
	return newForecaster(PredictLinear, t, func(w []*model.Step) []float64 {
		s := observed(t, w, plain)
		out := missing(len(s.services) * t.Horizons)
		for i, v := range s.values {
			level, slope := line(s.at, v)
			for h := range t.Horizons {
				out[i*t.Horizons+h] = clipped(t, level+slope*float64(h+1)*float64(s.width))
			}
		}
		return out
	})
}

// line is the least squares line through the values that are no NaN: its height at the last of the
// times, and its slope per nanosecond. A single value gives a flat line, none gives NaN.
func line(at []int64, values []float64) (level, slope float64) {
	origin := at[len(at)-1]
	var n, sx, sy float64
	for k, v := range values {
		if v == v {
			n++
			sx += float64(at[k] - origin)
			sy += v
		}
	}
	mx, my := sx/n, sy/n
	var xx, xy float64
	for k, v := range values {
		if v == v {
			dx := float64(at[k]-origin) - mx
			xx += dx * dx
			xy += dx * (v - my)
		}
	}
	if xx > 0 {
		slope = xy / xx
	}
	return my - slope*mx, slope
}

// NewDoubleExponential makes PromQL's double_exponential_smoothing over the window, with
// the factors 0.5 for the level and 0.1 for the trend, on the natural scale: the
// level that the function gives plus h times the trend that it would use next, never below zero where
// the task is one of logarithms. As there, observations follow each other whatever lies between them.
func NewDoubleExponential(t model.Task) (model.Forecaster, error) {
	return newForecaster(DoubleExponential, t, func(w []*model.Step) []float64 {
		s := observed(t, w, plain)
		out := missing(len(s.services) * t.Horizons)
		for i, v := range s.values {
			known := v[:0]
			for _, x := range v {
				if x == x {
					known = append(known, x)
				}
			}
			if len(known) == 0 {
				continue
			}
			level, trend := doubleExponential(known, smoothingFactor, trendFactor)
			for h := range t.Horizons {
				out[i*t.Horizons+h] = clipped(t, level+float64(h+1)*trend)
			}
		}
		return out
	})
}

// doubleExponential smooths values: the trend begins as the first difference, the level as the first
// value, and from the second value on the level is sf x + (1 − sf)(level + trend) and the trend
// tf (level − level before) + (1 − tf) trend, where the first trend is kept for the second value. One value
// has no trend.
func doubleExponential(values []float64, sf, tf float64) (level, trend float64) {
	level = values[0]
	if len(values) == 1 {
		return level, 0
	}
	trend = values[1] - values[0]
	for _, v := range values[1:] {
		before := level
		level = sf*v + (1-sf)*(level+trend)
		trend = tf*(level-before) + (1-tf)*trend
	}
	return level, trend
}

// clipped keeps a value that cannot be negative from being so.
func clipped(t model.Task, v float64) float64 {
	if t.Log {
		return floor(v)
	}
	return v
}
