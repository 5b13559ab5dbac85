package panel

import (
	"maps"
	"math"
	"slices"

	"presage/model"
)

// learned is all that a fit leaves beside the network's weights.
type learned struct {
	task     model.Task
	recipe   Recipe
	services []string // [N] sorted
	scale    *scales
	graph    *model.Graph
	static   []float32 // [N, S]
	channels []int     // of the task, in the order of the inputs: the target first
	last     int       // input channel of the target
	slots    int       // of a day
	week     bool      // training holds two weeks
}

// mostSlots bounds a day's slots: five minutes each.
const mostSlots = 288

func newLearned(t model.Task, r Recipe, train []*model.Step) *learned {
	l := &learned{task: t, recipe: r, services: observed(t, train)}
	l.scale = newScales(t, r.Scaling, l.services, train)
	l.graph = meanGraph(l.services, train, t.Log)
	l.static = l.attributes(train)
	first, last := train[0], train[len(train)-1]
	l.slots = int(max(1, min(mostSlots, day/max(last.Width, 1))))
	l.week = last.At+last.Width-first.At >= 14*day
	l.order()
	return l
}

// order lists the input channels.
func (l *learned) order() {
	l.channels = []int{l.task.Target}
	for c := range l.task.Channels {
		if l.recipe.Attributes && c != l.task.Target {
			l.channels = append(l.channels, c)
		}
	}
}

// inputs is C.
func (l *learned) inputs() int {
	c := len(l.channels)
	if l.recipe.Attributes {
		c++
	}
	if l.recipe.Day {
		c++
	}
	return c
}

// outputs is the number of values a horizon.
func (l *learned) outputs() int {
	if l.recipe.Head == HeadChange {
		return len(l.task.Levels)
	}
	return 1
}

func (l *learned) setup() Setup {
	return Setup{
		Services: len(l.services), Input: l.task.Input, Horizons: l.task.Horizons, Channels: l.inputs(), Outputs: l.outputs(),
		Graph: l.graph, Static: l.static, Slots: l.slots, Week: l.week,
	}
}

// observed lists the services whose target was seen in steps.
func observed(t model.Task, steps []*model.Step) []string {
	seen := map[string]bool{}
	for _, s := range steps {
		for i, name := range s.Services {
			if _, ok := s.Value(i, t.Target); ok {
				seen[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// meanGraph is the mean of the steps' edges over the given services. On a logarithmic scale weights are
// log(1 + calls).
func meanGraph(services []string, steps []*model.Step, log bool) *model.Graph {
	n := len(services)
	sum := make([]map[int32]float64, n)
	var last *model.Graph
	var rows []int32
	weight := 0.0 // of the graph in last: steps that share it
	add := func() {
		if last == nil {
			return
		}
		for i, from := range rows {
			if from < 0 {
				continue
			}
			for k := last.RowPtr[i]; k < last.RowPtr[i+1]; k++ {
				if to := rows[last.Col[k]]; to >= 0 {
					if sum[from] == nil {
						sum[from] = map[int32]float64{}
					}
					sum[from][to] += weight * float64(last.Weight[k])
				}
			}
		}
	}
	for _, s := range steps {
		if s.Graph != last {
			add()
			last, rows, weight = s.Graph, model.Index(services, s.Services), 0
		}
		weight++
	}
	add()
	g := &model.Graph{RowPtr: make([]int32, n+1)}
	for i, edges := range sum {
		for _, c := range slices.Sorted(maps.Keys(edges)) {
			w := edges[c] / float64(len(steps))
			if log {
				w = math.Log1p(w)
			}
			g.Col, g.Weight = append(g.Col, c), append(g.Weight, float32(w))
		}
		g.RowPtr[i+1] = int32(len(g.Col))
	}
	return g
}

// attributes are what does not change about a service: its callees and callers, in logarithms, and its mean level
// among the services.
func (l *learned) attributes(train []*model.Step) []float32 {
	n := len(l.services)
	in := make([]float64, n)
	for _, c := range l.graph.Col {
		in[c]++
	}
	level := make([]model.Moments, n)
	eachValue(l.services, train, func(row, c int, v float32) {
		if c == l.task.Target {
			level[row].Add(l.scale.forward(c, v))
		}
	})
	out := make([]float32, 0, 3*n)
	for i := range n {
		degree := float64(l.graph.RowPtr[i+1] - l.graph.RowPtr[i])
		out = append(out, float32(math.Log1p(degree)), float32(math.Log1p(in[i])), float32(level[i].Mean))
	}
	for c := range 3 {
		var m model.Moments
		for i := range n {
			m.Add(float64(out[3*i+c]))
		}
		for i := range n {
			out[3*i+c] = float32((float64(out[3*i+c]) - m.Mean) / max(m.Deviation(), leastDeviation))
		}
	}
	return out
}
