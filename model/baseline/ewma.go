package baseline

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"presage/model"
)

// weighted is the exponentially weighted mean, l ← l + α (x − l) from the window's first
// observation on; a gap repeats the value before it.
type weighted struct {
	task  model.Task
	Alpha float64 `json:"alpha"`
}

// alphas are the smoothing factors to choose from; 1 is persistence.
var alphas = []float64{0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}

// NewWeighted makes the forecaster that repeats the exponentially weighted mean of the
// window. Fit chooses the smoothing factor with the least mean absolute error over all horizons (of log(x + 1)
// where the task says so).
func NewWeighted(t model.Task) (model.Forecaster, error) {
	return New(Weighted, t, &weighted{task: t, Alpha: 0.5})
}

func (c *weighted) Centre(window []*model.Step) []float64 {
	s := observed(c.task, window, plain)
	levels := missing(len(s.services))
	for i, v := range s.values {
		if v = carried(v); len(v) > 0 {
			levels[i] = weightedMean(v, c.Alpha)
		}
	}
	return flat(c.task, levels)
}

func weightedMean(values []float64, alpha float64) float64 {
	level := values[0]
	for _, v := range values[1:] {
		level += alpha * (v - level)
	}
	return level
}

func (c *weighted) Learn(ctx context.Context, train, _ []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	windows := model.Windows(train, c.task.Input, c.task.Horizons)
	best, least := c.Alpha, math.Inf(1)
	some := thinned(windows, maxChosenBy)
	for _, alpha := range alphas {
		if err := ctx.Err(); err != nil {
			return model.FitReport{}, err
		}
		tried := &weighted{task: c.task, Alpha: alpha}
		if e := meanError(c.task, some, tried.Centre); e < least {
			best, least = alpha, e
		}
	}
	c.Alpha = best
	return model.FitReport{Windows: len(windows), Parameters: 1, Stopped: "the grid was searched"}, nil
}

func (c *weighted) Save() (json.RawMessage, map[string]model.Tensor, error) {
	raw, err := json.Marshal(c)
	return raw, nil, err
}

func (c *weighted) Load(meta json.RawMessage, _ map[string]model.Tensor) error {
	d := weighted{task: c.task}
	if err := json.Unmarshal(meta, &d); err != nil {
		return err
	}
	if !(d.Alpha > 0 && d.Alpha <= 1) {
		return fmt.Errorf("smoothing factor %g, expected more than 0 and at most 1", d.Alpha)
	}
	*c = d
	return nil
}

// meanError is the mean absolute error of centres in the transformed unit (log(x + 1) where the
// task says so), so that slow services do not decide alone; +Inf without a point.
func meanError(t model.Task, windows []model.Window, centre func([]*model.Step) []float64) float64 {
	unit := unscaled(t)
	var sum, count float64
	for _, w := range windows {
		eachPoint(t, w, centre(w.Input), func(service string, _ int, truth, c float64) {
			sum += math.Abs(unit.Scaled(service, truth) - unit.Scaled(service, c))
			count++
		})
	}
	if count == 0 {
		return math.Inf(1)
	}
	return sum / count
}

// unscaled transforms as the task says and standardises nothing.
func unscaled(t model.Task) *model.Scaler {
	return &model.Scaler{Log: t.Log, Pooled: model.Scale{Deviation: 1}}
}
