package online

import (
	"math"

	"presage/model"
)

// contest is how an entrant did in one slice, and persistence on the same points.
type contest struct {
	Own         loss  `json:"own"`
	Persistence loss  `json:"persistence"`
	Points      int64 `json:"points"`
}

// round is what one slice showed of an entrant.
type round struct {
	contest
	services map[string]*standing
}

// loss is a sum of absolute errors, natural and on the model's scale.
type loss struct {
	Natural float64 `json:"natural"`
	Scaled  float64 `json:"scaled"`
}

func (l loss) plus(m loss) loss { return loss{l.Natural + m.Natural, l.Scaled + m.Scaled} }

// against is the ratio to another loss on the same points, below 1 where l is
// better: the geometric mean of the natural unit's ratio, in which slow services
// outweigh others, and the scaled one's, in which all count alike.
func (l loss) against(other loss) float64 {
	ratio := func(a, b float64) float64 {
		const tiny = 1e-12
		return (a + tiny) / (b + tiny)
	}
	return math.Sqrt(ratio(l.Natural, other.Natural) * ratio(l.Scaled, other.Scaled))
}

// due scores the forecasts that speak of step, with the intervals they were issued
// with, and moves the calibrations. It reports whether any target was observed.
func (t *track) due(step *model.Step, index int64) (TargetOutcome, bool) {
	out := TargetOutcome{Due: make([]Tally, t.task.Horizons)}
	observed := false
	for i := range step.Services {
		if _, ok := step.Value(i, t.task.Target); ok {
			observed = true
			break
		}
	}
	sums := map[string]*round{}
	left := t.pending[:0]
	for _, is := range t.pending {
		h := index - is.Index
		if is.Segment != step.Segment || h > int64(t.task.Horizons) {
			out.Expired += t.expire(is)
			continue
		}
		left = append(left, is)
		if h >= 1 {
			t.dueOf(is, int(h), step, &out, sums)
		}
	}
	clear(t.pending[len(left):])
	t.pending = left
	for _, e := range t.entrants {
		e.calibration.Close()
		r := sums[e.version]
		if r == nil {
			continue
		}
		e.learn(r.services, len(step.Services))
		if r.Points > 0 {
			e.live = append(e.live, r.contest)
			if len(e.live) > liveWindow {
				e.live = e.live[1:]
			}
		}
	}
	for h := range out.Due {
		t.totals.Due[h] = t.totals.Due[h].Plus(out.Due[h])
	}
	t.totals.Expired += int64(out.Expired)
	return out, observed
}

// expire counts the published points of an issue whose slices never came.
func (t *track) expire(is *issue) int {
	points := 0
	for _, k := range is.Served {
		if k >= 0 {
			points += t.task.Horizons - is.Done
		}
	}
	return points
}

// dueOf scores one issue's forecasts for step h.
func (t *track) dueOf(is *issue, h int, step *model.Step, out *TargetOutcome, sums map[string]*round) {
	rows := model.Index(step.Services, is.Services)
	is.Done++
	for i, r := range rows {
		truth := math.NaN()
		if r >= 0 {
			if v, ok := step.Value(int(r), t.task.Target); ok {
				truth = v
			}
		}
		if math.IsNaN(truth) {
			if is.Served[i] >= 0 {
				out.Expired++
			}
			continue
		}
		at := i*t.task.Horizons + h - 1
		naive := model.Point{Yhat: math.NaN()}
		for k := range is.Made {
			m := &is.Made[k]
			p := model.Point{Truth: truth, Yhat: float64(m.Yhat[at]), Lower: float64(m.Lower[at]), Upper: float64(m.Upper[at])}
			if k == 0 {
				naive = p // persistence is the first entrant and speaks always
			}
			if math.IsNaN(p.Yhat) {
				continue
			}
			if e := t.entrant(m.Version); e != nil {
				e.calibration.Add(is.Services[i], h, p)
			}
			if !math.IsNaN(naive.Yhat) {
				t.record(sums, m, is.Services[i], truth, p.Yhat, naive.Yhat, int(is.Chosen[i]) == k)
			}
			if int(is.Served[i]) == k {
				out.Due[h-1] = out.Due[h-1].Plus(t.tally(m, p, naive))
			}
		}
	}
}

func (t *track) tally(m *made, p, naive model.Point) Tally {
	d := Tally{Points: 1, Error: math.Abs(p.Truth - p.Yhat), Width: p.Upper - p.Lower}
	// Compared as published, in single precision.
	if truth := float32(p.Truth); truth >= float32(p.Lower) && truth <= float32(p.Upper) {
		d.Covered = 1
	}
	if m.Network && !math.IsNaN(naive.Yhat) {
		d.NetworkPoints, d.NetworkError, d.NetworkCovered = 1, d.Error, d.Covered
		d.NetworkWidth = d.Width
		d.PersistenceError = math.Abs(p.Truth - naive.Yhat)
		d.NetworkWinkler, d.PersistenceWinkler = p.Winkler(t.cfg.Level), naive.Winkler(t.cfg.Level)
	}
	return d
}

// loss of one point; the scaled one is of log(x + 1) where the task says so.
func (t *track) loss(truth, yhat float64) loss {
	l := loss{Natural: math.Abs(truth - yhat)}
	l.Scaled = l.Natural
	if t.task.Log {
		l.Scaled = math.Abs(math.Log1p(max(truth, 0)) - math.Log1p(max(yhat, 0))) // as Scaler does
	}
	return l
}

func (t *track) entrant(version string) *entrant {
	for _, e := range t.entrants {
		if e.version == version {
			return e
		}
	}
	return nil
}

// record adds one point to an entrant's round. A network is held against persistence
// over the services that it was chosen for, a baseline over all.
func (t *track) record(sums map[string]*round, m *made, service string, truth, yhat, naive float64, chosen bool) {
	r := sums[m.Version]
	if r == nil {
		r = &round{services: map[string]*standing{}}
		sums[m.Version] = r
	}
	s := r.services[service]
	if s == nil {
		s = &standing{}
		r.services[service] = s
	}
	own, other := t.loss(truth, yhat), t.loss(truth, naive)
	s.add(own.Natural, other.Natural)
	if chosen || !m.Network {
		r.Own, r.Persistence = r.Own.plus(own), r.Persistence.plus(other)
		r.Points++
	}
}

// The champion rests once it is behindAt times as bad as persistence, and serves
// again below backAt.
const (
	behindAt = 1.02
	backAt   = 0.99
)

// choose decides whether the champion rests, by the last slices.
func (t *track) choose() {
	n := t.network()
	if n == nil {
		return
	}
	switch r := n.pooled(); {
	case r > behindAt:
		t.behind = true
	case r < backAt:
		t.behind = false
	}
}
