package trees

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"

	"presage/model"
	"presage/model/baseline"
	"presage/model/baseline/lags"
)

// The methods' names.
const (
	Own   = "trees"
	Graph = "trees-graph"
)

// Methods are the trees on own values, and on own and neighbours' values.
func Methods() []model.Method {
	return []model.Method{{Name: Own, New: NewOwn}, {Name: Graph, New: NewGraph}}
}

// NewOwn makes the trees on a service's own last T values (and the time of day, where the history is
// two days or longer).
func NewOwn(t model.Task) (model.Forecaster, error) {
	return baseline.New(Own, t, &boosted{task: t})
}

// NewGraph makes the trees that are also given the means of callers' and callees' values, weighted by
// calls, and the last values of the service's other channels.
func NewGraph(t model.Task) (model.Forecaster, error) {
	return baseline.New(Graph, t, &boosted{task: t, graph: true})
}

// boosted is a baseline.Core.
type boosted struct {
	task     model.Task
	graph    bool
	features *lags.Features // nil before a fit
	forests  []forest       // one for each of anchors(H)
	row      []float32
}

const (
	// maxRows and maxValidRows bound the rows, which are then drawn at random.
	maxRows      = 200_000
	maxValidRows = 40_000
	// maxAnchors is how many horizons get trees of their own.
	maxAnchors = 12
)

// anchors are the horizons (0 is the first) that have trees, rising, with the first and the last among
// them; the near ones lie closer together.
func anchors(horizons int) []int {
	var all []int
	for k := range min(horizons, maxAnchors) {
		h := k
		if horizons > maxAnchors {
			share := float64(k) / (maxAnchors - 1)
			h = max(k, int(math.Round(float64(horizons-1)*math.Pow(share, 1.5))))
		}
		all = append(all, h)
	}
	return all
}

// Centre is the last value plus the change that the trees give; before a fit the last value.
func (c *boosted) Centre(window []*model.Step) []float64 {
	f := c.features
	if f == nil {
		f = &lags.Features{Task: c.task, Scaler: &model.Scaler{Log: c.task.Log, Pooled: model.Scale{Deviation: 1}}}
	}
	r := f.Rows(window)
	h := c.task.Horizons
	out := make([]float64, len(r.Services)*h)
	changes := make([]float64, h)
	for i, name := range r.Services {
		c.changes(r.Row(i), changes)
		for k, change := range changes {
			out[i*h+k] = f.Natural(name, r.Last[i], change)
		}
	}
	return out
}

// changes are the trees' at a row, by horizon.
func (c *boosted) changes(x []float64, changes []float64) {
	if c.forests == nil {
		return
	}
	c.row = c.row[:0]
	for _, v := range x {
		c.row = append(c.row, float32(v))
	}
	places := anchors(len(changes))
	for a, h := range places {
		changes[h] = c.forests[a].at(c.row)
		if a == 0 {
			continue
		}
		before := places[a-1]
		for k := before + 1; k < h; k++ {
			share := float64(k-before) / float64(h-before)
			changes[k] = changes[before] + share*(changes[h]-changes[before])
		}
	}
}

// Learn grows the trees until no horizon's error on valid falls any more.
func (c *boosted) Learn(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	f := lags.Fit(c.task, c.graph, train)
	rng := rand.New(rand.NewPCG(opt.Seed, 0x7ee5))
	windows := model.Windows(train, c.task.Input, c.task.Horizons)
	places := anchors(c.task.Horizons)
	learn, err := draw(ctx, f, windows, places, maxRows, rng)
	if err != nil {
		return model.FitReport{}, err
	}
	check, err := draw(ctx, f, model.Windows(valid, c.task.Input, c.task.Horizons), places, maxValidRows, rng)
	if err != nil {
		return model.FitReport{}, err
	}
	b := newBooster(learn, check, rng)
	report, err := b.run(ctx, opt)
	if err != nil {
		return model.FitReport{}, err
	}
	report.Windows = len(windows)
	c.features, c.forests = f, b.best()
	for _, s := range c.forests {
		report.Parameters += len(s.nodes)
	}
	return report, nil
}

// Save is the features as JSON and the trees.
func (c *boosted) Save() (json.RawMessage, map[string]model.Tensor, error) {
	if c.features == nil {
		return json.RawMessage("null"), nil, nil
	}
	raw, err := json.Marshal(c.features)
	return raw, pack(c.forests), err
}

// Load takes them back.
func (c *boosted) Load(meta json.RawMessage, tensors map[string]model.Tensor) error {
	var f *lags.Features
	if err := json.Unmarshal(meta, &f); err != nil {
		return err
	}
	if f == nil {
		c.features, c.forests = nil, nil
		return nil
	}
	if err := f.Check(c.task, c.graph); err != nil {
		return err
	}
	forests, err := unpack(tensors, len(f.Names()))
	if err != nil {
		return err
	}
	if want := len(anchors(c.task.Horizons)); len(forests) != want {
		return fmt.Errorf("trees of %d horizons, expected %d", len(forests), want)
	}
	c.features, c.forests = f, forests
	return nil
}
