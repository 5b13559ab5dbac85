package evaluation

import (
	"maps"
	"slices"

	"presage/model"
)

// Resample joins slices of a history to slices of factor times the width, on boundaries of the clock. A group that lacks
// a slice is left out, and windows do not cross it. Response times and error shares are means weighted by calls where
// the task has a load, all other channels plain means; edges are summed.
func Resample(steps []*model.Step, t model.Task, factor int) []*model.Step {
	if factor <= 1 {
		return steps
	}
	var out []*model.Step
	for from := 0; from < len(steps); {
		to := from + 1
		width := steps[from].Width * int64(factor)
		for to < len(steps) && steps[to].Segment == steps[from].Segment && steps[to].At/width == steps[from].At/width {
			to++
		}
		if to-from == factor {
			out = append(out, join(steps[from:to], t))
		}
		from = to
	}
	return out
}

func join(group []*model.Step, t model.Task) *model.Step {
	services := group[0].Services
	for _, s := range group[1:] {
		if !model.Same(s.Services, services) {
			services = union(services, s.Services)
		}
	}
	f, n := len(t.Channels), len(services)
	load := slices.Index(t.Channels, model.ChannelRequests)
	out := &model.Step{
		At: group[0].At, Width: group[0].Width * int64(len(group)), Segment: group[0].Segment, Services: services,
		Values: make([]float32, n*f), Mask: make([]float32, n*f), Graph: group[0].Graph,
	}
	sums, weights := make([]float64, n*f), make([]float64, n*f)
	for _, s := range group {
		for i, row := range model.Index(s.Services, services) {
			if row < 0 {
				continue
			}
			for c, name := range t.Channels {
				v, ok := s.Value(int(row), c)
				if !ok {
					continue
				}
				w := 1.0
				if load >= 0 && (name == model.ChannelResponseTime || name == model.ChannelErrors) {
					if calls, ok := s.Value(int(row), load); ok {
						w = calls
					}
				}
				sums[i*f+c] += w * v
				weights[i*f+c] += w
			}
		}
	}
	for k, w := range weights {
		if w > 0 {
			out.Values[k], out.Mask[k] = float32(sums[k]/w), 1
		}
	}
	out.Graph = joinGraphs(group, services)
	return out
}

func union(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}

// joinGraphs sums calls; a graph that all share stays as it is.
func joinGraphs(group []*model.Step, services []string) *model.Graph {
	shared := true
	for _, s := range group {
		shared = shared && s.Graph == group[0].Graph && model.Same(s.Services, services)
	}
	if shared {
		return group[0].Graph
	}
	type sum struct{ calls, errors, ms float64 }
	edges := make([]map[int32]sum, len(services))
	for _, s := range group {
		rows, g := model.Index(services, s.Services), s.Graph
		for i := range s.Services {
			from := rows[i]
			for k := g.RowPtr[i]; k < g.RowPtr[i+1]; k++ {
				if edges[from] == nil {
					edges[from] = map[int32]sum{}
				}
				to, calls := rows[g.Col[k]], float64(g.Weight[k])
				e := edges[from][to]
				e.calls += calls
				if g.Errors != nil {
					e.errors += calls * float64(g.Errors[k])
				}
				if g.MeanMs != nil {
					e.ms += calls * float64(g.MeanMs[k])
				}
				edges[from][to] = e
			}
		}
	}
	g := &model.Graph{RowPtr: make([]int32, len(services)+1)}
	for i, to := range edges {
		for _, c := range slices.Sorted(maps.Keys(to)) {
			e := to[c]
			g.Col, g.Weight = append(g.Col, c), append(g.Weight, float32(e.calls))
			g.Errors, g.MeanMs = append(g.Errors, float32(e.errors/max(e.calls, 1e-9))), append(g.MeanMs, float32(e.ms/max(e.calls, 1e-9)))
		}
		g.RowPtr[i+1] = int32(len(g.Col))
	}
	return g
}
