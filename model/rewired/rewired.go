package rewired

import (
	"context"
	"math/rand/v2"
	"slices"

	"presage/model"
)

// New wraps a forecaster.
func New(inner model.New) model.New {
	return func(t model.Task) (model.Forecaster, error) {
		f, err := inner(t)
		if err != nil {
			return nil, err
		}
		return &forecaster{Forecaster: f, steps: map[*model.Step]*model.Step{}, graphs: map[*model.Graph]*model.Graph{}}, nil
	}
}

type forecaster struct {
	model.Forecaster
	callee map[edge]string // where an edge goes instead
	steps  map[*model.Step]*model.Step
	graphs map[*model.Graph]*model.Graph
}

type edge struct{ from, to string }

// Fit exchanges callees by the seed, over all edges of the training part, and fits the forecaster.
func (f *forecaster) Fit(ctx context.Context, train, valid []*model.Step, o model.FitOptions) (model.FitReport, error) {
	f.callee = exchange(edges(train), rand.New(rand.NewPCG(o.Seed, 0x72657769)))
	clear(f.steps)
	clear(f.graphs)
	return f.Forecaster.Fit(ctx, f.all(train), f.all(valid), o)
}

// Forecast sees the wrong edges too.
func (f *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	return f.Forecaster.Forecast(f.all(window))
}

// edges lists all edges once, sorted.
func edges(steps []*model.Step) []edge {
	seen := map[edge]bool{}
	var last *model.Graph
	for _, s := range steps {
		if s.Graph == last {
			continue
		}
		last = s.Graph
		for i := range s.Services {
			for _, c := range last.Col[last.RowPtr[i]:last.RowPtr[i+1]] {
				seen[edge{s.Services[i], s.Services[c]}] = true
			}
		}
	}
	out := make([]edge, 0, len(seen))
	for e := range seen {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b edge) int {
		return slices.Compare([]string{a.from, a.to}, []string{b.from, b.to})
	})
	return out
}

// swaps is the number of attempted exchanges an edge.
const swaps = 20

// exchange swaps the callees of random pairs of edges where that makes no edge twice and none to oneself.
func exchange(all []edge, rng *rand.Rand) map[edge]string {
	now := slices.Clone(all)
	there := map[edge]bool{}
	for _, e := range now {
		there[e] = true
	}
	for range swaps * len(now) {
		i, j := rng.IntN(len(now)), rng.IntN(len(now))
		a, b := edge{now[i].from, now[j].to}, edge{now[j].from, now[i].to}
		if i == j || a.from == a.to || b.from == b.to || there[a] || there[b] {
			continue
		}
		delete(there, now[i])
		delete(there, now[j])
		there[a], there[b] = true, true
		now[i], now[j] = a, b
	}
	callee := map[edge]string{}
	for k, e := range all {
		callee[e] = now[k].to
	}
	return callee
}

func (f *forecaster) all(steps []*model.Step) []*model.Step {
	out := make([]*model.Step, len(steps))
	for k, s := range steps {
		out[k] = f.step(s)
	}
	return out
}

// step is the rewired form of a step: the same one every time, and its values are the step's own.
func (f *forecaster) step(s *model.Step) *model.Step {
	if t, ok := f.steps[s]; ok {
		return t
	}
	t := *s
	g, ok := f.graphs[s.Graph]
	if !ok {
		g = f.graph(s)
		f.graphs[s.Graph] = g
	}
	t.Graph = g
	f.steps[s] = &t
	return &t
}

func (f *forecaster) graph(s *model.Step) *model.Graph {
	old := s.Graph
	g := &model.Graph{RowPtr: make([]int32, len(s.Services)+1)}
	for i, from := range s.Services {
		type link struct {
			to int32
			at int32
		}
		var links []link
		for k := old.RowPtr[i]; k < old.RowPtr[i+1]; k++ {
			name := s.Services[old.Col[k]]
			if other, ok := f.callee[edge{from, name}]; ok {
				name = other
			}
			if to, ok := slices.BinarySearch(s.Services, name); ok {
				links = append(links, link{int32(to), k})
			}
		}
		slices.SortFunc(links, func(a, b link) int { return int(a.to - b.to) })
		for k, l := range links {
			if k > 0 && l.to == links[k-1].to {
				continue
			}
			g.Col, g.Weight = append(g.Col, l.to), append(g.Weight, old.Weight[l.at])
			if old.Errors != nil {
				g.Errors, g.MeanMs = append(g.Errors, old.Errors[l.at]), append(g.MeanMs, old.MeanMs[l.at])
			}
		}
		g.RowPtr[i+1] = int32(len(g.Col))
	}
	return g
}
