package online

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"presage/model"
	"presage/model/baseline"
)

// Decision says what became of a candidate.
type Decision struct {
	Target   string
	Version  string
	Promoted bool
	Reason   string // one sentence with the figures
}

// Promote makes a candidate the champion if it did better than persistence, and
// than the present champion, on slices that neither was trained on. The baselines that were fitted
// with it take over their places in any case. The relative error is the geometric mean of the ratios of
// the mean absolute errors, in the target's unit and standardised by service.
func (l *Loop) Promote(c *Candidate) (Decision, error) {
	d := Decision{Target: c.Target, Version: c.Version}
	t := l.track(c.Target)
	if t == nil {
		return d, fmt.Errorf("candidate %s is of target %q, which this loop does not forecast", c.Version, c.Target)
	}
	t.training = false
	champion := ""
	if n := t.network(); n != nil {
		champion = n.version
	}
	if c.Parent != champion {
		d.Reason = fmt.Sprintf("kept %q: %s was judged against %q, which is no longer the champion", champion, c.Version, c.Parent)
		return d, nil
	}
	t.refit(c.baselines, l.history)
	d.Promoted, d.Reason = c.verdict()
	if !d.Promoted {
		return d, nil
	}
	network, err := t.restored(c.State)
	if err != nil {
		return d, fmt.Errorf("promote %s: %w", c.Version, err)
	}
	e := &entrant{version: c.Version, network: true, forecaster: network, calibration: c.calibration, standing: c.standing}
	if n := t.network(); n != nil {
		e.calibration = n.calibration.Clone()
		t.entrants = t.entrants[:len(t.entrants)-1]
	}
	t.entrants = append(t.entrants, e)
	t.behind, t.trained = false, c.To
	t.totals.Promotions++
	return d, nil
}

// Abandon tells the loop that a target's training gave no candidate. The next one
// comes on schedule.
func (l *Loop) Abandon(target string) {
	if t := l.track(target); t != nil {
		t.training = false
	}
}

// Adopt makes a stored model the champion of a loop that has no checkpoint.
// trainedTo is the start of the last slice that it was trained on, Unix nanoseconds. Slices
// up to there must be remembered, not observed: the model has seen them.
func (l *Loop) Adopt(target, version string, st model.State, trainedTo int64) error {
	t := l.track(target)
	if t == nil || t.network() != nil || l.cfg.Network.New == nil {
		return fmt.Errorf("adopt %s: no network of target %q is wanted here", version, target)
	}
	f, err := t.restored(st)
	if err != nil {
		return fmt.Errorf("adopt %s: %w", version, err)
	}
	t.entrants = append(t.entrants, &entrant{version: version, network: true, forecaster: f, calibration: model.NewCalibration(l.cfg.Level, t.task.Horizons), standing: map[string]*standing{}})
	t.trained = trainedTo
	return nil
}

// restored makes the network that forecasts live out of what a training learned.
func (t *track) restored(st model.State) (model.Forecaster, error) {
	f, err := t.cfg.Network.New(t.task)
	if err != nil {
		return nil, err
	}
	return f, f.Restore(st)
}

// verdict compares the candidate with the champion and with persistence.
func (c *Candidate) verdict() (bool, string) {
	own := c.Judged[0]
	if own.Points == 0 {
		return false, fmt.Sprintf("kept: no slice to judge %s by", c.Version)
	}
	compare := func(j Judged) (float64, string) {
		r := loss{own.MAE, own.MAEScaled}.against(loss{j.MAE, j.MAEScaled})
		return r, fmt.Sprintf("%s has %.3f times the error of %s over %d points (MAE %.4g against %.4g %s)",
			c.Version, r, j.Version, own.Points, own.MAE, j.MAE, c.Task.Unit)
	}
	reason := ""
	for _, j := range c.Judged[1:] {
		if j.Version != c.Parent && j.Version != baseline.Persistence {
			continue
		}
		r, text := compare(j)
		if !(r < 1) {
			return false, "kept: " + text
		}
		reason = "promoted: " + text
	}
	return true, reason
}

// refit puts newly fitted baselines in the places of the old ones and gives them
// the last day again, which is newer than what they were fitted on.
func (t *track) refit(baselines []model.Forecaster, history []*model.Step) {
	for k, b := range baselines {
		if k >= len(t.baselines()) {
			return
		}
		t.entrants[k].forecaster = b
		if o, ok := b.(observer); ok {
			for _, s := range history {
				o.Observe(s)
			}
		}
	}
}

func (l *Loop) track(target string) *track {
	for _, t := range l.tracks {
		if t.name == target {
			return t
		}
	}
	return nil
}

// fingerprint is a hash of the steps' times, services and values: which data a
// model was trained on.
func fingerprint(parts ...[]*model.Step) string {
	h := sha256.New()
	buf := []byte{}
	for _, steps := range parts {
		for _, s := range steps {
			buf = binary.LittleEndian.AppendUint64(buf[:0], uint64(s.At))
			for _, name := range s.Services {
				buf = append(append(buf, name...), 0)
			}
			for i, v := range s.Values {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
				buf = append(buf, byte(s.Mask[i]))
			}
			h.Write(buf)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
