package simulated

import (
	"math"

	"presage/model"
	"presage/model/evaluation"
	"presage/replay/generated/worlds"
)

// start is the first slice of every world: 2020-01-06T00:00:00Z, a Monday.
const start = 1578268800e9

// Steps are the slices of a world, with the channels of model.ServiceChannels. Stores have rows without values, as
// peers that report no spans do.
func Steps(d *worlds.Data) []*model.Step {
	n := len(d.Nodes)
	services := make([]string, n)
	for i, node := range d.Nodes {
		services[i] = node.Name
	}
	channels := [][]float32{d.Response, d.Requests, d.Errors, d.CPU, d.Memory, d.Replicas}
	f := len(channels)
	steps := make([]*model.Step, d.Slices())
	width := int64(d.World.Width)
	for k := range steps {
		s := &model.Step{
			At: start + int64(k)*width, Width: width, Services: services,
			Values: make([]float32, n*f), Mask: make([]float32, n*f), Graph: graph(d, k),
		}
		for c, values := range channels {
			for i, v := range values[k*n : (k+1)*n] {
				if v == v {
					s.Values[i*f+c], s.Mask[i*f+c] = v, 1
				}
			}
		}
		steps[k] = s
	}
	return steps
}

// graph holds the edges that were called in slice k.
func graph(d *worlds.Data, k int) *model.Graph {
	n, m := len(d.Nodes), len(d.Edges)
	g := &model.Graph{RowPtr: make([]int32, n+1)}
	for e, edge := range d.Edges {
		calls := d.EdgeCalls[k*m+e]
		if calls != calls || calls <= 0 {
			continue
		}
		g.Col, g.Weight = append(g.Col, edge.Callee), append(g.Weight, calls)
		g.Errors, g.MeanMs = append(g.Errors, known(d.EdgeErrors[k*m+e])), append(g.MeanMs, known(d.EdgeMs[k*m+e]))
		g.RowPtr[edge.Caller+1]++
	}
	for i := range n {
		g.RowPtr[i+1] += g.RowPtr[i]
	}
	return g
}

func known(v float32) float32 {
	if v != v {
		return 0
	}
	return v
}

// Floors are F0, which knows the target slice's true mean, and F1, which knows the simulator's whole state at the origin,
// at the origins at which F1 was measured.
func Floors(d *worlds.Data) []evaluation.Floor {
	place := map[int64]int{}
	for k, o := range d.Future.Origins {
		place[start+int64(o)*int64(d.World.Width)] = k
	}
	row := map[string]int{}
	for i, node := range d.Nodes {
		row[node.Name] = i
	}
	n, h := len(d.Nodes), d.Future.Horizons
	origins := make([]int64, 0, len(place))
	for _, o := range d.Future.Origins {
		origins = append(origins, start+int64(o)*int64(d.World.Width))
	}
	find := func(at int64, service string, step int) (origin, node int, ok bool) {
		origin, ok = place[at]
		node, there := row[service]
		return origin, node, ok && there && step < h
	}
	nan := float32(math.NaN())
	return []evaluation.Floor{
		{Name: "F0", Origins: origins, At: func(at int64, service string, step int) (float32, float32, float32) {
			k, i, ok := find(at, service, step)
			if !ok {
				return nan, nan, nan
			}
			v := d.True[(d.Future.Origins[k]+step+1)*n+i]
			return v, nan, nan
		}},
		{Name: "F1", Origins: origins, At: func(at int64, service string, step int) (float32, float32, float32) {
			k, i, ok := find(at, service, step)
			if !ok {
				return nan, nan, nan
			}
			j := (k*h+step)*n + i
			return d.Future.Median[j], d.Future.Low[j], d.Future.High[j]
		}},
	}
}
