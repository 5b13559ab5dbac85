package ridge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"presage/model"
	"presage/model/baseline"
	"presage/model/baseline/lags"
)

// The methods' names.
const (
	Own   = "ridge"
	Graph = "ridge-graph"
)

// Methods are the regression on own values, and on own and neighbours' values.
func Methods() []model.Method {
	return []model.Method{{Name: Own, New: NewOwn}, {Name: Graph, New: NewGraph}}
}

// NewOwn makes the regression on a service's own last T values (and the time of day, where the
// history is two days or longer).
func NewOwn(t model.Task) (model.Forecaster, error) {
	return baseline.New(Own, t, &regression{task: t})
}

// NewGraph makes the regression that is also given the means of callers' and callees' values, weighted
// by calls, and the last values of the service's other channels.
func NewGraph(t model.Task) (model.Forecaster, error) {
	return baseline.New(Graph, t, &regression{task: t, graph: true})
}

// regression is a baseline.Core.
type regression struct {
	task     model.Task
	graph    bool
	features *lags.Features // nil before a fit
	weights  []float32      // [H, 1 + F], the constant first
}

const (
	// maxRows bounds the training rows, which are then taken in even distances.
	maxRows = 400_000
	// maxValidRows bounds the validation rows by which a penalty is chosen.
	maxValidRows = 100_000
	// otherwise is the penalty without validation windows.
	otherwise = 1e-3
)

// penalties, in units of the rows' number, to choose from; columns are standardised.
var penalties = []float64{1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1}

// Centre is the last value plus the change that the weights give; before a fit the last value.
func (c *regression) Centre(window []*model.Step) []float64 {
	f := c.features
	if f == nil {
		f = &lags.Features{Task: c.task, Scaler: &model.Scaler{Log: c.task.Log, Pooled: model.Scale{Deviation: 1}}}
	}
	r := f.Rows(window)
	h := c.task.Horizons
	out := make([]float64, len(r.Services)*h)
	for i, name := range r.Services {
		for k := range h {
			change := 0.0
			if c.weights != nil {
				change = apply(c.weights[k*(r.Columns+1):(k+1)*(r.Columns+1)], r.Row(i))
			}
			out[i*h+k] = f.Natural(name, r.Last[i], change)
		}
	}
	return out
}

// apply is the line's value at x.
func apply(weights []float32, x []float64) float64 {
	v := float64(weights[0])
	for k, w := range weights[1:] {
		v += float64(w) * x[k]
	}
	return v
}

// Learn solves for all penalties and keeps for each horizon the one with the least mean absolute error on
// valid, in the transformed unit.
func (c *regression) Learn(ctx context.Context, train, valid []*model.Step, _ model.FitOptions) (model.FitReport, error) {
	f := lags.Fit(c.task, c.graph, train)
	windows := model.Windows(train, c.task.Input, c.task.Horizons)
	g := newSums(len(f.Names()), c.task.Horizons)
	if err := eachRow(ctx, f, windows, maxRows, func(_ string, x, changes []float64) { g.add(x, changes) }); err != nil {
		return model.FitReport{}, err
	}
	g.flush()
	unseen := model.Windows(valid, c.task.Input, c.task.Horizons)
	tried := penalties
	if len(unseen) == 0 {
		tried = []float64{otherwise}
	}
	size := 1 + len(f.Names())
	weights := make([][]float32, len(tried)) // [penalty][H, 1 + F]
	for p, penalty := range tried {
		for h := range c.task.Horizons {
			w, err := g.solve(h, penalty)
			if err != nil {
				return model.FitReport{}, fmt.Errorf("ridge: horizon %d: %w", h+1, err)
			}
			weights[p] = append(weights[p], w...)
		}
	}
	errors := make([]float64, len(tried)*c.task.Horizons)
	err := eachRow(ctx, f, unseen, maxValidRows, func(service string, x, changes []float64) {
		deviation := f.Scaler.Of(service).Deviation
		for h, y := range changes {
			if math.IsNaN(y) {
				continue
			}
			for p := range tried {
				errors[p*c.task.Horizons+h] += deviation * math.Abs(apply(weights[p][h*size:(h+1)*size], x)-y)
			}
		}
	})
	if err != nil {
		return model.FitReport{}, err
	}
	best := make([]float32, 0, size*c.task.Horizons)
	for h := range c.task.Horizons {
		least := 0
		for p := range tried {
			if errors[p*c.task.Horizons+h] < errors[least*c.task.Horizons+h] {
				least = p
			}
		}
		best = append(best, weights[least][h*size:(h+1)*size]...)
	}
	c.features, c.weights = f, best
	return model.FitReport{Windows: len(windows), Parameters: len(best), Stopped: "solved"}, nil
}

// eachRow calls do with the rows of windows that have a last value, and their changes [H].
func eachRow(ctx context.Context, f *lags.Features, windows []model.Window, most int, do func(service string, x, changes []float64)) error {
	if len(windows) == 0 {
		return nil
	}
	stride := 1 + len(windows)*len(windows[0].Origin().Services)/most
	var changes []float64
	h := f.Task.Horizons
	for k := 0; k < len(windows); k += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := f.Rows(windows[k].Input)
		changes = f.Changes(windows[k], r, changes)
		for i, name := range r.Services {
			if !math.IsNaN(r.Last[i]) {
				do(name, r.Row(i), changes[i*h:(i+1)*h])
			}
		}
	}
	return nil
}

// Save is the features as JSON and the weights.
func (c *regression) Save() (json.RawMessage, map[string]model.Tensor, error) {
	if c.features == nil {
		return json.RawMessage("null"), nil, nil
	}
	raw, err := json.Marshal(c.features)
	w := model.Tensor{Shape: []int{c.task.Horizons, len(c.weights) / c.task.Horizons}, Data: c.weights}
	return raw, map[string]model.Tensor{"weights": w}, err
}

// Load takes them back.
func (c *regression) Load(meta json.RawMessage, tensors map[string]model.Tensor) error {
	var f *lags.Features
	if err := json.Unmarshal(meta, &f); err != nil {
		return err
	}
	w := tensors["weights"].Data
	if f == nil {
		c.features, c.weights = nil, nil
		return nil
	}
	if err := f.Check(c.task, c.graph); err != nil {
		return err
	}
	if want := c.task.Horizons * (1 + len(f.Names())); len(w) != want {
		return fmt.Errorf("tensor \"weights\" has %d values, expected %d", len(w), want)
	}
	c.features, c.weights = f, w
	return nil
}
