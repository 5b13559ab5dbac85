package model

import (
	"math"
	"slices"
)

// Score says how good the forecasts of a set of points were, in the target's
// natural unit unless they were added scaled. A field that has no point to stand on is
// NaN.
type Score struct {
	Points int
	MAE    float64
	RMSE   float64
	// R2Median is the median over services of each one's own R², R2Weighted its
	// mean weighted by calls; R2Pooled is taken around the mean of all points and
	// flatters whoever knows the services' levels.
	R2Median, R2Weighted, R2Pooled float64
	Coverage                       float64 // share of points within [lower, upper]
	Width                          float64 // mean of upper − lower
	Winkler                        float64 // interval score: width + 2/α × the distance by which a point was missed
}

// Scorer accumulates points in float64. The order of a service's own points
// matters to the last digit only; the order of services does not matter.
type Scorer struct {
	level    float64
	services map[string]*serviceScore
}

type serviceScore struct {
	truth             Moments
	absolute, squared float64
	weight            float64
	intervals         float64
	covered           float64
	width, winkler    float64
}

// NewScorer makes an empty scorer for intervals of a level, e.g. 0.9.
func NewScorer(level float64) *Scorer {
	return &Scorer{level: level, services: map[string]*serviceScore{}}
}

// Point is one forecast and what happened. A NaN in Truth or Yhat leaves the
// point out; a NaN in Lower or Upper leaves it out of the interval's scores.
type Point struct {
	Truth, Yhat, Lower, Upper float64
	Weight                    float64 // calls, for R2Weighted; 0 counts as no weight
}

// Winkler is the interval score at a level 1 − α: the width, and 2/α times the
// distance by which the truth was missed. Lower is better.
func (p Point) Winkler(level float64) float64 {
	return p.Upper - p.Lower + 2/(1-level)*max(p.Lower-p.Truth, p.Truth-p.Upper, 0)
}

// Add takes one point of a service in, and reports whether it counted.
func (s *Scorer) Add(service string, p Point) bool {
	if !finite(p.Truth) || !finite(p.Yhat) {
		return false
	}
	a := s.services[service]
	if a == nil {
		a = &serviceScore{}
		s.services[service] = a
	}
	a.truth.Add(p.Truth)
	e := p.Yhat - p.Truth
	a.absolute += math.Abs(e)
	a.squared += e * e
	a.weight += p.Weight
	if finite(p.Lower) && finite(p.Upper) {
		a.intervals++
		if p.Lower <= p.Truth && p.Truth <= p.Upper {
			a.covered++
		}
		a.width += p.Upper - p.Lower
		a.winkler += p.Winkler(s.level)
	}
	return true
}

// Score sums up.
func (s *Scorer) Score() Score {
	names := make([]string, 0, len(s.services))
	for name := range s.services {
		names = append(names, name)
	}
	slices.Sort(names)
	var n, absolute, squared, intervals, covered, width, winkler, level float64
	for _, name := range names {
		a := s.services[name]
		n += a.truth.Count
		absolute += a.absolute
		squared += a.squared
		intervals += a.intervals
		covered += a.covered
		width += a.width
		winkler += a.winkler
		level += a.truth.Mean * a.truth.Count
	}
	level /= n
	var total, weights, weighted float64
	var own []float64
	for _, name := range names {
		a := s.services[name]
		d := a.truth.Mean - level
		total += a.truth.Squares() + a.truth.Count*d*d
		if a.truth.Squares() > 0 {
			r2 := 1 - a.squared/a.truth.Squares()
			own = append(own, r2)
			weighted += a.weight * r2
			weights += a.weight
		}
	}
	r := Score{
		Points: int(n), MAE: absolute / n, RMSE: math.Sqrt(squared / n),
		R2Median: math.NaN(), R2Weighted: weighted / weights, R2Pooled: math.NaN(),
		Coverage: covered / intervals, Width: width / intervals, Winkler: winkler / intervals,
	}
	if len(own) > 0 {
		r.R2Median = median(own)
	}
	if total > 0 {
		r.R2Pooled = 1 - squared/total
	}
	return r
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
