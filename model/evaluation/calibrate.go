package evaluation

import (
	"math"

	"presage/model"
)

// calibrator corrects intervals as the live loop does: with what was due when a forecast is made, and nothing later.
type calibrator struct {
	task    model.Task
	state   *model.Calibration
	pending []due // in the order of issue
	issued  []model.Point
}

// due is a forecast whose target slice ends later.
type due struct {
	at      int64
	step    int
	service string
	point   model.Point
}

func newCalibrator(t model.Task) *calibrator {
	level := t.Levels[len(t.Levels)-1] - t.Levels[0]
	return &calibrator{task: t, state: model.NewCalibration(level, t.Horizons)}
}

// known takes in all forecasts whose target slice is not after an origin's.
func (c *calibrator) known(at int64) {
	for {
		// The earliest slice first, so that a step of the stream is a step of the calibration.
		first := int64(math.MaxInt64)
		for _, d := range c.pending {
			first = min(first, d.at)
		}
		if first > at {
			return
		}
		rest := c.pending[:0]
		for _, d := range c.pending {
			if d.at == first {
				c.state.Add(d.service, d.step+1, d.point)
				continue
			}
			rest = append(rest, d)
		}
		c.pending = rest
		c.state.Close()
	}
}

// intervals are the forecasts of all services and steps, [N, H], corrected; they are valid until the next call.
func (c *calibrator) intervals(p model.Prediction) []model.Point {
	h, q, m := c.task.Horizons, len(c.task.Levels), c.task.Median()
	c.issued = c.issued[:0]
	for i, service := range p.Services {
		for step := range h {
			v := p.Values[(i*h+step)*q:][:q]
			yhat := float64(v[m])
			low, high := c.state.Interval(service, step+1, float64(v[0]), yhat, float64(v[q-1]))
			if c.task.Log {
				low = math.Max(low, 0)
			}
			c.issued = append(c.issued, model.Point{Yhat: yhat, Lower: low, Upper: high})
		}
	}
	return c.issued
}

// issue remembers the last intervals, a window's, with what will have happened, and tells each to seen.
func (c *calibrator) issue(w model.Window, services []string, seen func(service string, step int, p model.Point)) {
	h := c.task.Horizons
	for step, target := range w.Target {
		for i, row := range model.Index(target.Services, services) {
			if row < 0 {
				continue
			}
			p := c.issued[i*h+step]
			truth, ok := target.Value(int(row), c.task.Target)
			if p.Truth = truth; !ok || p.Yhat != p.Yhat {
				continue
			}
			seen(services[i], step, p)
			c.pending = append(c.pending, due{target.At, step, services[i], p})
		}
	}
}

// smearing is Duan's estimate of what turns medians on a log scale into means, from validation windows.
type smearing struct{ sum, count []float64 }

// mostSmear bounds what a few outliers do.
const mostSmear = 2

func newSmearing(h int) *smearing { return &smearing{make([]float64, h), make([]float64, h)} }

func (s *smearing) add(step int, p model.Point) {
	if ratio := (p.Truth + 1) / (p.Yhat + 1); !math.IsNaN(ratio) && ratio > 0 {
		s.sum[step] += math.Min(ratio, 10)
		s.count[step]++
	}
}

func (s *smearing) factors(log bool) []float64 {
	out := make([]float64, len(s.sum))
	for h := range out {
		out[h] = 1
		if log && s.count[h] > 0 {
			out[h] = min(max(s.sum[h]/s.count[h], 1.0/mostSmear), mostSmear)
		}
	}
	return out
}
