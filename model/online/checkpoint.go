package online

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"presage/model"
)

// checkpointVersion is the newest version, which is written; older ones are read.
const checkpointVersion = 1

type checkpoint struct {
	Version  int               `json:"version"`
	Graph    string            `json:"graph"`
	Targets  []string          `json:"targets"`
	Input    int               `json:"input"`
	Horizons int               `json:"horizons"`
	Level    float64           `json:"level"`
	Index    int64             `json:"index"`
	From     int64             `json:"from"` // index of the oldest slice that is needed again
	Width    int64             `json:"width_ns"`
	NonEmpty int64             `json:"non_empty"`
	Tracks   []trackCheckpoint `json:"tracks"`
}

type trackCheckpoint struct {
	Champion  string              `json:"champion"` // version, empty for none
	Served    string              `json:"served"`   // the baseline that serves where no network does
	Behind    bool                `json:"behind"`
	Trained   int64               `json:"trained_to"`
	Training  bool                `json:"training"`   // a training was under way: it is due again
	TrainedAt int64               `json:"trained_at"` // in slices that are not empty
	RetryAt   int64               `json:"retry_at"`
	Totals    Totals              `json:"totals"`
	Pending   []*issue            `json:"pending"`
	Entrants  []entrantCheckpoint `json:"entrants"`
}

type entrantCheckpoint struct {
	Version     string               `json:"version"`
	Calibration *model.Calibration   `json:"calibration"`
	Live        []contest            `json:"live"`
	Standing    map[string]*standing `json:"standing"`
	Meta        json.RawMessage      `json:"meta,omitempty"` // a baseline's state; the network's is in the registry
	Tensors     map[string]tensor    `json:"tensors,omitempty"`
}

type tensor struct {
	Shape []int  `json:"shape"`
	Data  floats `json:"data"`
}

// Checkpoint is the loop's state after the last slice, as JSON: all but the steps, which
// come again from the snapshots, and the champions' weights, which are in the registry.
func (l *Loop) Checkpoint() ([]byte, error) {
	c := checkpoint{
		Version: checkpointVersion, Graph: l.cfg.Graph, Targets: l.cfg.Targets, Input: l.cfg.Input, Horizons: l.cfg.Horizons,
		Level: l.cfg.Level, Index: l.index, From: l.From(), Width: l.width, NonEmpty: l.nonEmpty,
	}
	for _, t := range l.tracks {
		tc := trackCheckpoint{Behind: t.behind, Trained: t.trained, Training: t.training, TrainedAt: t.trainedAt, RetryAt: t.retryAt, Totals: t.totals, Pending: t.pending}
		for _, e := range t.entrants {
			ec := entrantCheckpoint{Version: e.version, Calibration: e.calibration, Live: e.live, Standing: e.standing}
			if e.network {
				tc.Champion = e.version
			} else {
				st, err := e.forecaster.State()
				if err != nil {
					return nil, fmt.Errorf("checkpoint: %s: %w", e.version, err)
				}
				ec.Meta, ec.Tensors = st.Meta, map[string]tensor{}
				for name, v := range st.Tensors {
					ec.Tensors[name] = tensor{v.Shape, v.Data}
				}
			}
			tc.Entrants = append(tc.Entrants, ec)
		}
		c.Tracks = append(c.Tracks, tc)
	}
	return json.Marshal(c)
}

// Resume takes a checkpoint's state into a new loop of the same configuration. load
// gives a champion's state by target and version, from the registry.
func (l *Loop) Resume(data []byte, load func(target, version string) (model.State, error)) error {
	if l.started || l.index != math.MinInt64 {
		return fmt.Errorf("resume: the loop has seen slices already")
	}
	var c checkpoint
	if err := json.Unmarshal(data, &c); err != nil {
		return fmt.Errorf("resume: the checkpoint is no JSON of this kind: %w", err)
	}
	switch {
	case c.Version < 1 || c.Version > checkpointVersion:
		return fmt.Errorf("resume: checkpoint version %d, this program reads 1 to %d", c.Version, checkpointVersion)
	case c.Graph != l.cfg.Graph || !slices.Equal(c.Targets, l.cfg.Targets) || c.Input != l.cfg.Input || c.Horizons != l.cfg.Horizons || c.Level != l.cfg.Level:
		return fmt.Errorf("resume: the checkpoint is of graph %q, targets %v, input %d, horizons %d, level %g; the configuration says %q, %v, %d, %d, %g: %w",
			c.Graph, c.Targets, c.Input, c.Horizons, c.Level, l.cfg.Graph, l.cfg.Targets, l.cfg.Input, l.cfg.Horizons, l.cfg.Level, ErrOtherConfig)
	case len(c.Tracks) != len(l.tracks):
		return fmt.Errorf("resume: the checkpoint has %d targets, expected %d", len(c.Tracks), len(l.tracks))
	}
	var tracks []*track
	for i := range c.Tracks {
		t, err := newTrack(&l.cfg, l.tracks[i].name, l.tracks[i].task)
		if err == nil {
			err = t.resume(&c.Tracks[i], load)
		}
		if err != nil {
			return fmt.Errorf("resume: target %q: %w", l.tracks[i].name, err)
		}
		tracks = append(tracks, t)
	}
	l.tracks = tracks
	l.index, l.from, l.width, l.started = c.Index, c.From, c.Width, true
	l.nonEmpty = c.NonEmpty
	return nil
}

func (t *track) resume(c *trackCheckpoint, load func(target, version string) (model.State, error)) error {
	if c.Champion != "" {
		if t.cfg.Network.New == nil {
			return fmt.Errorf("champion %s, but no network is configured: %w", c.Champion, ErrOtherConfig)
		}
		st, err := load(t.name, c.Champion)
		if err != nil {
			return err
		}
		f, err := t.cfg.Network.New(t.task)
		if err == nil {
			err = f.Restore(st)
		}
		if err != nil {
			return fmt.Errorf("champion %s: %w", c.Champion, err)
		}
		t.entrants = append(t.entrants, &entrant{version: c.Champion, network: true, forecaster: f})
	}
	for _, ec := range c.Entrants {
		e := t.entrant(ec.Version)
		if e == nil || ec.Calibration == nil || len(ec.Calibration.Lower) != t.task.Horizons || len(ec.Calibration.Upper) != t.task.Horizons {
			return fmt.Errorf("forecaster %q of the checkpoint does not fit the configuration: %w", ec.Version, ErrOtherConfig)
		}
		e.calibration, e.live, e.standing = ec.Calibration, ec.Live, map[string]*standing{}
		for name, s := range ec.Standing {
			if s != nil {
				e.standing[name] = s
			}
		}
		if e.calibration.Services == nil {
			e.calibration.Services = map[string]*model.ServiceOffset{}
		}
		maps.DeleteFunc(e.calibration.Services, func(_ string, o *model.ServiceOffset) bool { return o == nil })
		if e.network {
			continue
		}
		st := model.State{Meta: ec.Meta, Tensors: map[string]model.Tensor{}}
		for name, v := range ec.Tensors {
			st.Tensors[name] = model.Tensor{Shape: v.Shape, Data: v.Data}
		}
		if err := e.forecaster.Restore(st); err != nil {
			return err
		}
	}
	for _, e := range t.entrants {
		if e.calibration == nil {
			return fmt.Errorf("forecaster %q is not in the checkpoint: %w", e.version, ErrOtherConfig)
		}
	}
	if err := t.checkPending(c.Pending); err != nil {
		return err
	}
	t.behind, t.trained, t.pending = c.Behind, c.Trained, c.Pending
	t.trainedAt, t.retryAt = c.TrainedAt, c.RetryAt
	t.overdue = c.Training
	t.totals = c.Totals
	if t.overdue {
		t.totals.Trainings-- // it is given out again, with the same seed
	}
	if len(t.totals.Due) != t.task.Horizons {
		t.totals.Due = make([]Tally, t.task.Horizons)
	}
	return nil
}

// checkPending refuses issues whose arrays do not fit each other, or hold what no forecast is.
func (t *track) checkPending(pending []*issue) error {
	for _, is := range pending {
		if is == nil {
			return errors.New("a pending forecast is null")
		}
		n := len(is.Services)
		bad := len(is.Served) != n || len(is.Chosen) != n
		for _, m := range is.Made {
			size := n * t.task.Horizons
			bad = bad || len(m.Yhat) != size || len(m.Lower) != size || len(m.Upper) != size
			bad = bad || m.Yhat.infinite() || m.Lower.infinite() || m.Upper.infinite()
		}
		for _, k := range append(slices.Clone(is.Served), is.Chosen...) {
			bad = bad || int(k) >= len(is.Made)
		}
		if bad {
			return fmt.Errorf("the forecasts pending from slice %d have arrays that do not fit %d services, or are infinite", is.Index, n)
		}
	}
	return nil
}
