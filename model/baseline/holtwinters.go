package baseline

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"presage/model"
)

// holtWinters smooths level and damped trend over the window, around a daily season from the
// training history, all in the scaler's unit.
type holtWinters struct {
	task   model.Task
	Scaler *model.Scaler `json:"scaler,omitempty"` // nil before a fit
	Season *dayProfile   `json:"season,omitempty"` // nil without two days of history
	smoothing
}

// smoothing is of the level (α), of the trend (β), and the trend's damping (φ).
type smoothing struct {
	Level   float64 `json:"level"`
	Trend   float64 `json:"trend"`
	Damping float64 `json:"damping"`
}

// NewHoltWinters makes the forecaster of additive Holt-Winters smoothing with a damped
// trend. The season is each service's mean by time of day, of a history of at least two days; level and trend
// come from the window alone; Fit chooses their constants on days that the season has not seen.
func NewHoltWinters(t model.Task) (model.Forecaster, error) {
	return New(HoltWinters, t, &holtWinters{task: t, smoothing: smoothing{Level: 0.5, Trend: 0.1, Damping: 0.9}})
}

func (c *holtWinters) Centre(window []*model.Step) []float64 {
	sc := c.Scaler
	if sc == nil {
		sc = unscaled(c.task)
	}
	s := observed(c.task, window, sc.Scaled)
	out := missing(len(s.services) * c.task.Horizons)
	origin := s.at[len(s.at)-1]
	for i, name := range s.services {
		row := -1
		if c.Season != nil {
			row = c.Season.row(name)
			for k := range s.values[i] {
				s.values[i][k] -= c.Season.at(row, s.at[k], s.width)
			}
		}
		values := carried(s.values[i])
		if len(values) == 0 {
			continue
		}
		z, trend := c.run(values)
		for h := range c.task.Horizons {
			trend *= c.Damping
			z += trend
			season := 0.0
			if c.Season != nil {
				season = c.Season.at(row, origin+int64(h+1)*s.width, s.width)
			}
			out[i*c.task.Horizons+h] = clipped(c.task, sc.Natural(name, z+season))
		}
	}
	return out
}

// run smooths values: the level begins as the first, the trend as nothing. Then
// level ← α x + (1 − α)(level + φ trend), trend ← β (level − level before) + (1 − β) φ trend.
func (c smoothing) run(values []float64) (level, trend float64) {
	level = values[0]
	for _, v := range values[1:] {
		before := level
		level = c.Level*v + (1-c.Level)*(level+c.Damping*trend)
		trend = c.Trend*(level-before) + (1-c.Trend)*c.Damping*trend
	}
	return level, trend
}

// smoothings are the constants to choose from.
func smoothings() []smoothing {
	var all []smoothing
	for _, level := range []float64{0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1} {
		all = append(all, smoothing{Level: level, Damping: 0.9})
		for _, trend := range []float64{0.05, 0.1, 0.2, 0.4} {
			for _, damping := range []float64{0.7, 0.9, 0.98} {
				all = append(all, smoothing{level, trend, damping})
			}
		}
	}
	return all
}

func (c *holtWinters) Learn(ctx context.Context, train, _ []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	windows := model.Windows(train, c.task.Input, c.task.Horizons)
	tried := &holtWinters{task: c.task, Scaler: model.FitScaler(c.task, train), smoothing: c.smoothing}
	season := (*dayProfile)(nil)
	choose := windows
	if days(train) >= 2 {
		first, unseen := apart(c.task, train)
		season = learnProfile(c.task, tried.Scaler, train)
		if len(unseen) > 0 {
			choose = unseen
			tried.Scaler = model.FitScaler(c.task, first)
			tried.Season = learnProfile(c.task, tried.Scaler, first)
		}
	}
	best, least := c.smoothing, math.Inf(1)
	some := thinned(choose, maxChosenBy)
	for _, s := range smoothings() {
		if err := ctx.Err(); err != nil {
			return model.FitReport{}, err
		}
		tried.smoothing = s
		if e := meanError(c.task, some, tried.Centre); e < least {
			best, least = s, e
		}
	}
	c.Scaler, c.Season, c.smoothing = model.FitScaler(c.task, train), season, best
	report := model.FitReport{Windows: len(windows), Parameters: 3, Stopped: "the grid was searched"}
	if season != nil {
		report.Parameters += len(season.values)
	}
	return report, nil
}

func (c *holtWinters) Save() (json.RawMessage, map[string]model.Tensor, error) {
	raw, err := json.Marshal(c)
	if err != nil || c.Season == nil {
		return raw, nil, err
	}
	return raw, map[string]model.Tensor{"season": c.Season.tensor()}, nil
}

func (c *holtWinters) Load(meta json.RawMessage, tensors map[string]model.Tensor) error {
	d := holtWinters{task: c.task}
	if err := json.Unmarshal(meta, &d); err != nil {
		return err
	}
	if d.Level <= 0 || d.Level > 1 || d.Trend < 0 || d.Trend > 1 || d.Damping < 0 || d.Damping > 1 {
		return fmt.Errorf("smoothing constants %+v, expected shares", d.smoothing)
	}
	if d.Season != nil {
		if err := d.Season.take(tensors["season"]); err != nil {
			return err
		}
	}
	*c = d
	return nil
}
