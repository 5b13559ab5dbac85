package stgnn

import (
	"math"

	"presage/model"
)

// The ways in which a channel comes to a service from others, in the order of features.d.
const (
	alongOnce   = iota // mean over callees, weighted by calls
	alongTwice         // the same of that
	againstOnce        // mean over callers
	againstTwice
	bySimilarity // mean over correlated services
	byAll        // mean over all services
	ways
)

// newFeatures scales and diffuses one slice.
func (l *learned) newFeatures(s *model.Step, known []int32, news unseen) *features {
	out := l.scaled(s, known, news)
	l.diffuse(s.Graph, out)
	return out
}

// diffuse fills d and degree.
func (l *learned) diffuse(g *model.Graph, out *features) {
	n, f, cd := len(out.services), len(l.task.Channels), len(l.channels.diffused)
	out.d = make([]float32, n*cd*ways)
	for i := range out.d {
		out.d[i] = missing()
	}
	out.degree = make([]float32, 2*n)
	walk, guarded := newWalk(n), l.guarded()
	x, one, two := make([]float32, n), make([]float32, n), make([]float32, n)
	for k, c := range l.channels.diffused {
		for i := range n {
			x[i] = out.z[i*f+c]
			if guarded {
				x[i] = bounded(x[i]) // one absurd value must not drown all neighbours
			}
		}
		put := func(way int, v []float32) {
			for i := range n {
				out.d[(i*cd+k)*ways+way] = v[i]
			}
		}
		if l.cfg.Graph == GraphOff {
			continue
		}
		if l.cfg.Graph == GraphOn {
			walk.along(g, x, one)
			put(alongOnce, one)
			walk.along(g, one, two)
			put(alongTwice, two)
			walk.against(g, x, one)
			put(againstOnce, one)
			walk.against(g, one, two)
			put(againstTwice, two)
		}
		if l.cfg.Graph == GraphOn {
			l.bySimilarity(out.known, x, one)
			put(bySimilarity, one)
		}
		walk.all(x, one)
		put(byAll, one)
	}
	if l.cfg.Graph != GraphOn {
		return
	}
	for i := range n {
		for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
			if j := int(g.Col[e]); j != i {
				out.degree[2*i]++
				out.degree[2*j+1]++
			}
		}
	}
	for i, v := range out.degree {
		out.degree[i] = float32(math.Log1p(float64(v)))
	}
}

// walk averages over neighbours that have a value; a service without any gets NaN. Edges
// from a service to itself are left out: each service has a path of its own.
type walk struct{ sum, weight []float32 }

func newWalk(n int) *walk { return &walk{make([]float32, n), make([]float32, n)} }

// along is the mean over callees.
func (w *walk) along(g *model.Graph, x, out []float32) {
	for i := range x {
		var sum, weight float32
		for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
			j := int(g.Col[e])
			if v := x[j]; j != i && v == v {
				sum += g.Weight[e] * v
				weight += g.Weight[e]
			}
		}
		out[i] = ratio(sum, weight)
	}
}

// against is the mean over callers.
func (w *walk) against(g *model.Graph, x, out []float32) {
	clear(w.sum)
	clear(w.weight)
	for i, v := range x {
		if v != v {
			continue
		}
		for e := g.RowPtr[i]; e < g.RowPtr[i+1]; e++ {
			if j := int(g.Col[e]); j != i {
				w.sum[j] += g.Weight[e] * v
				w.weight[j] += g.Weight[e]
			}
		}
	}
	for i := range out {
		out[i] = ratio(w.sum[i], w.weight[i])
	}
}

// all is the mean over all services, the same for each.
func (w *walk) all(x, out []float32) {
	var sum, weight float32
	for _, v := range x {
		if v == v {
			sum += v
			weight++
		}
	}
	mean := ratio(sum, weight)
	for i := range out {
		out[i] = mean
	}
}

// bySimilarity is the mean over the services that moved alike in training.
func (l *learned) bySimilarity(known []int32, x, out []float32) {
	k := l.similar.k
	for i := range out {
		out[i] = missing()
	}
	if k == 0 {
		return
	}
	place := make([]int32, len(l.scale.names)) // of the scaler's services in this slice, plus one
	for i, row := range known {
		if row >= 0 {
			place[row] = int32(i) + 1
		}
	}
	for i, row := range known {
		if row < 0 {
			continue
		}
		var sum, weight float32
		for m := int(row) * k; m < (int(row)+1)*k && l.similar.index[m] >= 0; m++ {
			if p := place[l.similar.index[m]]; p > 0 && x[p-1] == x[p-1] {
				sum += l.similar.weight[m] * x[p-1]
				weight += l.similar.weight[m]
			}
		}
		out[i] = ratio(sum, weight)
	}
}

func ratio(sum, weight float32) float32 {
	if weight > 0 {
		return sum / weight
	}
	return missing()
}
