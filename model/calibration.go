package model

import (
	"math"
	"slices"
)

// The calibration's fixed choices; see Calibration.
const (
	maxThresholdStep = 0.2   // η_h = min(0.2, 3/h)
	offsetStep       = 0.02  // of a service's own offset
	offsetShrink     = 200.0 // slices until the service's own offset counts half
	minOffset        = 0.25
	maxOffset        = 8.0
	maxLogThreshold  = 4.0
	errorWeight      = 0.05 // of the newest slice in a service's weighted error
	floorShare       = 0.05 // least half-width, as a share of the service's weighted error
	forgetAfter      = 20160
)

// Calibration corrects intervals online, so that an interval of level 1 − α holds
// what happens in a share of 1 − α, also after drift. It belongs to one graph, target and
// forecaster.
//
// The interval's two sides are corrected apart: a side's half-width (quantile less
// median, at least a small share of the service's exponentially weighted absolute
// error) is multiplied by a threshold of the horizon and an offset of the service. The
// logarithm of the threshold moves by η_h × (share of misses − α/2) with each slice
// that came due, so that the threshold stays positive and the band finite: that is adaptive conformal
// inference on the score's logarithm. A service's offset moves likewise with its own misses,
// counts n/(n + 200) of its value after n slices, and stays within 1/4 and 8. Forecasts are scored with the
// interval they were issued with; a missing target changes nothing.
//
// The fields are its whole state and survive JSON exactly.
type Calibration struct {
	Level    float64                   `json:"level"`
	Lower    []float64                 `json:"lower"` // [H] logarithms of the thresholds
	Upper    []float64                 `json:"upper"`
	Services map[string]*ServiceOffset `json:"services"`
	Slices   int64                     `json:"slices"` // that came due

	due map[string]*serviceDue
	// misses of the slice that is being added, by horizon
	below, above, count []float64
}

// ServiceOffset is a service's own part of the calibration.
type ServiceOffset struct {
	Lower  float64 `json:"lower"` // logarithms
	Upper  float64 `json:"upper"`
	Count  float64 `json:"count"` // slices that came due
	Error  float64 `json:"error"` // exponentially weighted mean absolute error
	Newest int64   `json:"newest"`
}

type serviceDue struct{ below, above, errors, count float64 }

// NewCalibration starts with the forecaster's own intervals.
func NewCalibration(level float64, horizons int) *Calibration {
	return &Calibration{Level: level, Lower: make([]float64, horizons), Upper: make([]float64, horizons), Services: map[string]*ServiceOffset{}}
}

// Interval corrects the quantiles low and high around the median of a service's
// forecast for step h (1 is the next slice). The result holds the median.
func (c *Calibration) Interval(service string, h int, low, median, high float64) (lower, upper float64) {
	below, above := math.Exp(c.Lower[h-1]), math.Exp(c.Upper[h-1])
	least := 0.0
	if o := c.Services[service]; o != nil {
		share := o.Count / (o.Count + offsetShrink)
		below *= min(max(math.Exp(o.Lower*share), minOffset), maxOffset)
		above *= min(max(math.Exp(o.Upper*share), minOffset), maxOffset)
		least = floorShare * o.Error
	}
	return median - below*max(median-low, least), median + above*max(high-median, least)
}

// Start sets the thresholds of step h to the quantiles of scores that are known
// beforehand: the distance of the truth below and above the median, in half-widths of that side.
// Scores that are no number are left out; without scores the thresholds stay.
func (c *Calibration) Start(h int, below, above []float64) {
	c.Lower[h-1] = startOf(below, (1+c.Level)/2, c.Lower[h-1])
	c.Upper[h-1] = startOf(above, (1+c.Level)/2, c.Upper[h-1])
}

func startOf(scores []float64, level, otherwise float64) float64 {
	known := scores[:0:0]
	for _, s := range scores {
		if !math.IsNaN(s) {
			known = append(known, s)
		}
	}
	if len(known) == 0 {
		return otherwise
	}
	slices.Sort(known)
	place := min(int(math.Ceil(level*float64(len(known)+1)))-1, len(known)-1)
	return bound(math.Log(max(known[place], math.Exp(-maxLogThreshold))))
}

// Add takes in one forecast that is due in the present slice, with the interval
// it was issued with. A NaN leaves it out.
func (c *Calibration) Add(service string, h int, p Point) {
	if !finite(p.Truth) || !finite(p.Yhat) || !finite(p.Lower) || !finite(p.Upper) {
		return
	}
	if c.due == nil {
		c.due = map[string]*serviceDue{}
		n := len(c.Lower)
		c.below, c.above, c.count = make([]float64, n), make([]float64, n), make([]float64, n)
	}
	d := c.due[service]
	if d == nil {
		d = &serviceDue{}
		c.due[service] = d
	}
	d.count++
	d.errors += math.Abs(p.Truth - p.Yhat)
	c.count[h-1]++
	if p.Truth < p.Lower {
		d.below++
		c.below[h-1]++
	}
	if p.Truth > p.Upper {
		d.above++
		c.above[h-1]++
	}
}

// Close ends the slice: the thresholds move by what Add took in since the last
// Close.
func (c *Calibration) Close() {
	if len(c.due) == 0 {
		return
	}
	c.Slices++
	side := (1 - c.Level) / 2
	for h, n := range c.count {
		if n > 0 {
			step := min(maxThresholdStep, 3/float64(h+1))
			c.Lower[h] = bound(c.Lower[h] + step*(c.below[h]/n-side))
			c.Upper[h] = bound(c.Upper[h] + step*(c.above[h]/n-side))
		}
		c.below[h], c.above[h], c.count[h] = 0, 0, 0
	}
	for name, d := range c.due {
		o := c.Services[name]
		if o == nil {
			o = &ServiceOffset{Error: d.errors / d.count}
			c.Services[name] = o
		}
		o.Count++
		o.Newest = c.Slices
		o.Lower = bound(o.Lower + offsetStep*(d.below/d.count-side))
		o.Upper = bound(o.Upper + offsetStep*(d.above/d.count-side))
		o.Error += errorWeight * (d.errors/d.count - o.Error)
	}
	clear(c.due)
	if c.Slices%forgetAfter == 0 {
		for name, o := range c.Services {
			if o.Newest <= c.Slices-forgetAfter {
				delete(c.Services, name)
			}
		}
	}
}

// Clone is an independent copy of a closed calibration.
func (c *Calibration) Clone() *Calibration {
	d := &Calibration{Level: c.Level, Lower: slices.Clone(c.Lower), Upper: slices.Clone(c.Upper), Slices: c.Slices, Services: map[string]*ServiceOffset{}}
	for name, o := range c.Services {
		copied := *o
		d.Services[name] = &copied
	}
	return d
}

func bound(v float64) float64 { return min(max(v, -maxLogThreshold), maxLogThreshold) }
