package mixed

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"presage/model"
)

// New makes the forecaster that mixes main with whichever of the others serves best.
func New(name string, main model.New, others []model.Method) model.New {
	return func(t model.Task) (model.Forecaster, error) {
		m, err := main(t)
		if err != nil {
			return nil, err
		}
		f := &forecaster{name: name, task: t, main: m, others: others, share: make([]float64, thirds),
			scale: &model.Scaler{Log: t.Log, Pooled: model.Scale{Deviation: 1}}}
		return f, nil
	}
}

// thirds of the horizon have a share of their own: what a network knows of the next slices says little of the last.
const thirds = 3

type forecaster struct {
	name   string
	task   model.Task
	main   model.Forecaster
	others []model.Method

	chosen string           // of others; "" for none
	other  model.Forecaster // nil for none
	share  []float64        // [thirds] of the other
	scale  *model.Scaler    // logarithm or not, and nothing else
	values []float32
}

// Fit fits all and chooses.
func (f *forecaster) Fit(ctx context.Context, train, valid []*model.Step, o model.FitOptions) (model.FitReport, error) {
	report, err := f.main.Fit(ctx, train, valid, o)
	if err != nil {
		return report, err
	}
	windows := model.Windows(valid, f.task.Input, f.task.Horizons)
	scaler := model.FitScaler(f.task, train)
	own, err := f.medians(ctx, f.main, windows)
	if err != nil {
		return report, err
	}
	f.other, f.chosen = nil, ""
	clear(f.share)
	best := math.Inf(1)
	for _, m := range f.others {
		other, err := m.New(f.task)
		if err != nil {
			return report, err
		}
		if _, err := other.Fit(ctx, train, valid, model.FitOptions{Seed: o.Seed}); err != nil {
			return report, fmt.Errorf("%s: %w", m.Name, err)
		}
		theirs, err := f.medians(ctx, other, windows)
		if err != nil {
			return report, err
		}
		if share, err := f.best(windows, scaler, own, theirs); err < best {
			best, f.share, f.other, f.chosen = err, share, other, m.Name
		}
	}
	return report, nil
}

// medians forecasts windows: [W][N × H].
func (f *forecaster) medians(ctx context.Context, g model.Forecaster, windows []model.Window) ([][]float32, error) {
	q, m := len(f.task.Levels), f.task.Median()
	out := make([][]float32, len(windows))
	for k, w := range windows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := g.Forecast(w.Input)
		if err != nil {
			return nil, err
		}
		for at := m; at < len(p.Values); at += q {
			out[k] = append(out[k], p.Values[at])
		}
	}
	return out, nil
}

// steps of the share that are tried.
const tried = 10

// best finds the share of each third with the least scaled absolute error, and that error.
func (f *forecaster) best(windows []model.Window, scaler *model.Scaler, own, theirs [][]float32) (share []float64, err float64) {
	h := f.task.Horizons
	sums := make([][tried]float64, thirds)
	for k, w := range windows {
		for step, target := range w.Target {
			services := w.Origin().Services
			for i, row := range model.Index(target.Services, services) {
				if row < 0 {
					continue
				}
				truth, ok := target.Value(int(row), f.task.Target)
				a, b := float64(own[k][i*h+step]), float64(theirs[k][i*h+step])
				if !ok || math.IsNaN(a) || math.IsNaN(b) {
					continue
				}
				z, za, zb := scaler.Scaled(services[i], truth), scaler.Scaled(services[i], a), scaler.Scaled(services[i], b)
				for n := range tried {
					s := float64(n) / tried
					sums[third(step, h)][n] += math.Abs((1-s)*za + s*zb - z)
				}
			}
		}
	}
	share = make([]float64, thirds)
	for t, errors := range sums {
		least := 0
		for n, e := range errors {
			if e < errors[least] {
				least = n
			}
		}
		share[t] = float64(least) / tried
		err += errors[least]
	}
	return share, err
}

func third(step, horizons int) int { return step * thirds / horizons }

// Forecast mixes on the scale on which the target is modelled.
func (f *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	p, err := f.main.Forecast(window)
	if err != nil || f.other == nil {
		return p, err
	}
	o, err := f.other.Forecast(window)
	if err != nil {
		return p, err
	}
	f.values = append(f.values[:0], p.Values...)
	q, m, h := len(f.task.Levels), f.task.Median(), f.task.Horizons
	for at := 0; at < len(f.values); at += q {
		share := f.share[third(at/q%h, h)]
		own, theirs := f.forward(f.values[at+m]), f.forward(o.Values[at+m])
		if share == 0 || math.IsNaN(own) || math.IsNaN(theirs) {
			continue
		}
		for k := at; k < at+q; k++ {
			f.values[k] = f.backward(f.forward(f.values[k]) + share*(theirs-own))
		}
	}
	p.Values = f.values
	return p, nil
}

func (f *forecaster) forward(v float32) float64 { return f.scale.Scaled("", float64(v)) }

func (f *forecaster) backward(u float64) float32 {
	v := f.scale.Natural("", u)
	if f.task.Log {
		v = math.Max(v, 0)
	}
	return float32(v)
}

// Observe tells those that follow the stream.
func (f *forecaster) Observe(s *model.Step) {
	for _, g := range []model.Forecaster{f.main, f.other} {
		if o, ok := g.(interface{ Observe(*model.Step) }); ok {
			o.Observe(s)
		}
	}
}

// meta is the state's JSON. The tensors are both forecasters', under main/ and other/.
type meta struct {
	Method string          `json:"method"`
	Chosen string          `json:"chosen"`
	Share  []float64       `json:"share"`
	Main   json.RawMessage `json:"main"`
	Other  json.RawMessage `json:"other,omitempty"`
}

// State implements model.Forecaster.
func (f *forecaster) State() (model.State, error) {
	a, err := f.main.State()
	if err != nil {
		return a, err
	}
	m := meta{Method: f.name, Chosen: f.chosen, Share: f.share, Main: a.Meta}
	st := model.State{Tensors: map[string]model.Tensor{}}
	for name, t := range a.Tensors {
		st.Tensors["main/"+name] = t
	}
	if f.other != nil {
		b, err := f.other.State()
		if err != nil {
			return b, err
		}
		m.Other = b.Meta
		for name, t := range b.Tensors {
			st.Tensors["other/"+name] = t
		}
	}
	st.Meta, err = json.Marshal(m)
	return st, err
}

// Restore implements model.Forecaster.
func (f *forecaster) Restore(st model.State) error {
	var m meta
	if err := json.Unmarshal(st.Meta, &m); err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, err)
	}
	if m.Method != f.name || len(m.Share) != thirds {
		return fmt.Errorf("%s: restore: the state is of method %q with %d shares, expected %q with %d", f.name, m.Method, len(m.Share), f.name, thirds)
	}
	if err := f.main.Restore(under(st, "main/", m.Main)); err != nil {
		return err
	}
	var other model.Forecaster
	for _, o := range f.others {
		if o.Name == m.Chosen {
			var err error
			if other, err = o.New(f.task); err != nil {
				return err
			}
			if err := other.Restore(under(st, "other/", m.Other)); err != nil {
				return err
			}
		}
	}
	if m.Chosen != "" && other == nil {
		return fmt.Errorf("%s: restore: mixed with %q, which is not known", f.name, m.Chosen)
	}
	f.share, f.other, f.chosen = m.Share, other, m.Chosen
	return nil
}

// under is the part of a state below a prefix.
func under(st model.State, prefix string, text json.RawMessage) model.State {
	out := model.State{Meta: text, Tensors: map[string]model.Tensor{}}
	for name, t := range st.Tensors {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out.Tensors[rest] = t
		}
	}
	return out
}
