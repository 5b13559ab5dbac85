package baseline

import (
	"context"
	"encoding/json"
	"math"

	"presage/model"
)

// profiled is the daily profile corrected for the present level: what a service strays from its
// profile now, it will stray h slices later by φ^h of that.
type profiled struct {
	task    model.Task
	Decay   float64     `json:"decay"` // φ
	Profile *dayProfile `json:"profile,omitempty"`
}

// decays are the φ to choose from; 1 carries the whole deviation on.
var decays = []float64{0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 1}

// NewProfile makes the forecaster of each service's mean by time of day plus the present
// deviation from it, which decays by a factor a slice that Fit chooses on days that the profile has
// not seen. With less than a day of history it is persistence.
func NewProfile(t model.Task) (model.Forecaster, error) {
	return New(Profile, t, &profiled{task: t, Decay: 1})
}

func (c *profiled) Centre(window []*model.Step) []float64 {
	if c.Profile == nil {
		return flat(c.task, last(c.task, window))
	}
	p := c.Profile
	s := observed(c.task, window, p.Scaler.Scaled)
	out := missing(len(s.services) * c.task.Horizons)
	origin := s.at[len(s.at)-1]
	for i, name := range s.services {
		k := newest(s.values[i])
		if k < 0 {
			continue
		}
		row := p.row(name)
		deviation := s.values[i][k] - p.at(row, s.at[k], s.width)
		for h := range c.task.Horizons {
			deviation *= c.Decay
			z := p.at(row, origin+int64(h+1)*s.width, s.width) + deviation
			out[i*c.task.Horizons+h] = clipped(c.task, p.Scaler.Natural(name, z))
		}
	}
	return out
}

// newest is the place of the last value that is no NaN, or -1.
func newest(values []float64) int {
	for k := len(values) - 1; k >= 0; k-- {
		if !math.IsNaN(values[k]) {
			return k
		}
	}
	return -1
}

func (c *profiled) Learn(ctx context.Context, train, _ []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	report := model.FitReport{Windows: len(model.Windows(train, c.task.Input, c.task.Horizons)), Stopped: "the grid was searched"}
	c.Profile, c.Decay = nil, 1
	if days(train) < 1 {
		report.Stopped = "less than a day of history"
		return report, nil
	}
	first, unseen := apart(c.task, train)
	tried := &profiled{task: c.task, Profile: learnProfile(c.task, model.FitScaler(c.task, first), first)}
	least := math.Inf(1)
	some := thinned(unseen, maxChosenBy)
	decay := 1.0
	for _, tried.Decay = range decays {
		if err := ctx.Err(); err != nil {
			return model.FitReport{}, err
		}
		if e := meanError(c.task, some, tried.Centre); e < least {
			decay, least = tried.Decay, e
		}
	}
	c.Decay, c.Profile = decay, learnProfile(c.task, model.FitScaler(c.task, train), train)
	report.Parameters = 1 + len(c.Profile.values)
	return report, nil
}

func (c *profiled) Save() (json.RawMessage, map[string]model.Tensor, error) {
	raw, err := json.Marshal(c)
	if err != nil || c.Profile == nil {
		return raw, nil, err
	}
	return raw, map[string]model.Tensor{"profile": c.Profile.tensor()}, nil
}

func (c *profiled) Load(meta json.RawMessage, tensors map[string]model.Tensor) error {
	d := profiled{task: c.task}
	if err := json.Unmarshal(meta, &d); err != nil {
		return err
	}
	if d.Profile != nil {
		if err := d.Profile.take(tensors["profile"]); err != nil {
			return err
		}
	}
	*c = d
	return nil
}
