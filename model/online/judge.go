package online

import (
	"context"
	"fmt"
	"math"

	"presage/model"
)

// judgement scores forecasters on windows that none of them was trained on.
type judgement struct {
	task     model.Task
	versions []string
	entrants []model.Forecaster // the candidate, the champion if there is one, the baselines
	networks int                // how many of them are networks
	scaler   *model.Scaler
}

// judge scores the candidate, the champion and the baselines on the judgement
// windows that begin, with their embargo, after the champion's training too. As when serving, a network
// speaks only of the services on which no baseline was better; here that is decided on the validation windows.
func (c *Candidate) judge(ctx context.Context, champion model.Forecaster, job Job) error {
	j := &judgement{task: job.Task, versions: []string{c.Version}, entrants: []model.Forecaster{c.network}, networks: 1, scaler: model.FitScaler(job.Task, job.Parts.Train)}
	if champion != nil {
		j.versions, j.entrants, j.networks = append(j.versions, job.Parent), append(j.entrants, champion), 2
	}
	for k, b := range c.baselines {
		j.versions, j.entrants = append(j.versions, job.Baselines[k].Name), append(j.entrants, b)
	}
	valid := model.Windows(job.Parts.Valid, job.Task.Input, job.Task.Horizons)
	windows := model.Windows(job.Parts.Judge, job.Task.Input, job.Task.Horizons)
	if champion != nil {
		windows = after(windows, job.TrainedTo+int64(job.Task.Input+job.Task.Horizons)*job.Parts.Judge[0].Width)
	}
	before, err := j.standings(ctx, valid)
	if err != nil {
		return err
	}
	if c.Judged, err = j.score(ctx, windows, before); err != nil {
		return err
	}
	last, err := j.standings(ctx, windows)
	if err != nil {
		return err
	}
	c.standing = before[0]
	for name, s := range last[0] {
		if c.standing[name] == nil {
			c.standing[name] = &standing{}
		}
		t := c.standing[name]
		t.Own, t.Naive, t.Points = t.Own+s.Own, t.Naive+s.Naive, t.Points+s.Points
	}
	return nil
}

func after(windows []model.Window, origin int64) []model.Window {
	for k, w := range windows {
		if w.Origin().At >= origin {
			return windows[k:]
		}
	}
	return nil
}

// point is one service at one step of a window, and what each entrant said.
type point struct {
	service string
	truth   float64
	said    []float64 // by entrant
}

// each calls f for every point that was observed and that all entrants forecast.
func (j *judgement) each(ctx context.Context, windows []model.Window, f func(point)) error {
	t := j.task
	middle, q := t.Median(), len(t.Levels)
	said := make([]model.Prediction, len(j.entrants))
	p := point{said: make([]float64, len(j.entrants))}
	for _, w := range windows {
		for k, e := range j.entrants {
			if err := ctx.Err(); err != nil {
				return err
			}
			var err error
			if said[k], err = e.Forecast(w.Input); err != nil {
				return fmt.Errorf("judge %s: %w", j.versions[k], err)
			}
		}
		services := w.Origin().Services
		for h, step := range w.Target {
			for i, r := range model.Index(step.Services, services) {
				if r < 0 {
					continue
				}
				var ok bool
				at := (i*t.Horizons+h)*q + middle
				if p.truth, ok = step.Value(int(r), t.Target); !ok || !all(said, at) {
					continue
				}
				p.service = services[i]
				for k := range said {
					p.said[k] = max(float64(said[k].Values[at]), 0)
				}
				f(p)
			}
		}
	}
	return nil
}

// standings are every entrant's errors by service, beside persistence's.
func (j *judgement) standings(ctx context.Context, windows []model.Window) ([]map[string]*standing, error) {
	all := make([]map[string]*standing, len(j.entrants))
	for k := range all {
		all[k] = map[string]*standing{}
	}
	err := j.each(ctx, windows, func(p point) {
		for k, yhat := range p.said {
			s := all[k][p.service]
			if s == nil {
				s = &standing{}
				all[k][p.service] = s
			}
			s.add(math.Abs(p.truth-yhat), math.Abs(p.truth-p.said[j.networks]))
		}
	})
	return all, err
}

// score sums up the errors on windows, where each network gives way to a baseline
// by the standings of an earlier time.
func (j *judgement) score(ctx context.Context, windows []model.Window, before []map[string]*standing) ([]Judged, error) {
	judged := make([]Judged, len(j.entrants))
	places := make([]map[string]int, j.networks) // network → service → who speaks
	for k := range places {
		places[k] = map[string]int{}
	}
	err := j.each(ctx, windows, func(p point) {
		for k := range judged {
			speaker := k
			if k < j.networks {
				var known bool
				if speaker, known = places[k][p.service]; !known {
					speaker = j.speaker(k, p.service, before)
					places[k][p.service] = speaker
				}
			}
			yhat := p.said[speaker]
			judged[k].Points++
			judged[k].MAE += math.Abs(p.truth - yhat)
			judged[k].MAEScaled += math.Abs(j.scaler.Scaled(p.service, p.truth) - j.scaler.Scaled(p.service, yhat))
			if speaker == k {
				judged[k].Share++
			}
		}
	})
	for k := range judged {
		d := &judged[k]
		n := max(float64(d.Points), 1)
		d.Version, d.MAE, d.MAEScaled, d.Share = j.versions[k], d.MAE/n, d.MAEScaled/n, d.Share/n
	}
	return judged, err
}

// speaker is who forecasts a service where network k serves.
func (j *judgement) speaker(k int, service string, before []map[string]*standing) int {
	ratios := []float64{before[k][service].ratio(1)}
	for b := j.networks; b < len(j.entrants); b++ {
		ratios = append(ratios, before[b][service].ratio(1))
	}
	if best := choice(ratios, 0); best > 0 {
		return j.networks + best - 1
	}
	return k
}
