package model

import (
	"math"
	"slices"
)

// Scaler turns a target's natural values into standardised ones and back:
// log(x + 1) where the task says so, then less the service's own mean over its
// training slices and divided by its own deviation. A service without a training
// observation gets the pooled level and spread. Deviations have a floor, so that a
// constant service does not divide by zero.
type Scaler struct {
	Log      bool
	Pooled   Scale
	Services map[string]Scale
}

// Scale is a level and a spread in the scaler's transformed unit.
type Scale struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"`
	Count     int     `json:"count"`
}

// minDeviation is the least spread of log(x + 1): 1 %.
const minDeviation = 0.01

// FitScaler learns the scales of channel t.Target from steps.
func FitScaler(t Task, steps []*Step) *Scaler {
	sc := &Scaler{Log: t.Log, Services: map[string]Scale{}}
	sums := map[string]*Moments{}
	var pooled Moments
	for _, st := range steps {
		for i, name := range st.Services {
			v, ok := st.Value(i, t.Target)
			if !ok {
				continue
			}
			m := sums[name]
			if m == nil {
				m = &Moments{}
				sums[name] = m
			}
			m.Add(sc.transform(v))
		}
	}
	spread := make([]float64, 0, len(sums))
	for name, m := range sums {
		spread = append(spread, m.Deviation())
		sc.Services[name] = Scale{Mean: m.Mean, Deviation: max(m.Deviation(), minDeviation), Count: int(m.Count)}
	}
	// In the order of names, so that the sums do not depend on the map's order.
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		pooled.Add(sums[name].Mean)
	}
	sc.Pooled = Scale{Mean: pooled.Mean, Deviation: max(median(spread), minDeviation), Count: len(sums)}
	return sc
}

// Of gives the scale of a service, the pooled one where it has none.
func (sc *Scaler) Of(service string) Scale {
	if s, ok := sc.Services[service]; ok {
		return s
	}
	return sc.Pooled
}

// Scaled is a natural value in the service's standardised unit.
func (sc *Scaler) Scaled(service string, v float64) float64 {
	s := sc.Of(service)
	return (sc.transform(v) - s.Mean) / s.Deviation
}

// Natural is the inverse of Scaled. A median stays the median.
func (sc *Scaler) Natural(service string, z float64) float64 {
	s := sc.Of(service)
	return sc.inverse(z*s.Deviation + s.Mean)
}

// maxLogMove bounds Moved: a factor of 20 and no more.
const maxLogMove = 3

// Moved is a natural value moved by an offset in the transformed unit. On a log
// scale the offset is bounded, so that a wide spread does not become an endless band.
func (sc *Scaler) Moved(v, offset float64) float64 {
	if sc.Log {
		offset = min(max(offset, -maxLogMove), maxLogMove)
	}
	return sc.inverse(sc.transform(v) + offset)
}

func (sc *Scaler) transform(v float64) float64 {
	if sc.Log {
		return math.Log1p(max(v, 0))
	}
	return v
}

func (sc *Scaler) inverse(u float64) float64 {
	if sc.Log {
		return math.Expm1(u)
	}
	return u
}

// Moments are a running mean and spread (Welford), exact where values have a
// large level and a small spread.
type Moments struct {
	Count, Mean, squares float64
}

// Add takes one value in.
func (m *Moments) Add(v float64) {
	m.Count++
	d := v - m.Mean
	m.Mean += d / m.Count
	m.squares += d * (v - m.Mean)
}

// Squares is the sum of squared differences from the mean.
func (m *Moments) Squares() float64 { return m.squares }

// Deviation is the population's standard deviation.
func (m *Moments) Deviation() float64 {
	if m.Count == 0 {
		return 0
	}
	return math.Sqrt(m.squares / m.Count)
}

// median of values, which it sorts; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
