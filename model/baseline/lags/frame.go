package lags

import (
	"math"

	"presage/model"
)

// frame is what rows need of one step, kept because neighbouring windows share their steps.
type frame struct {
	own, callers, callees []float64   // [N] scaled; NaN where missing
	others                [][]float64 // [others][N]
}

// frame gives the step's frame.
func (f *Features) frame(s *model.Step) *frame {
	if r, ok := f.frames[s]; ok {
		return r
	}
	if f.frames == nil || len(f.frames) > 2*f.Task.Input+16 {
		f.frames = map[*model.Step]*frame{}
	}
	r := &frame{own: scaled(s, f.Task.Target, f.Scaler)}
	if f.Graph {
		r.callers, r.callees = neighbours(s, r.own)
		for _, o := range f.Others {
			r.others = append(r.others, scaled(s, o.Channel, o.Scaler))
		}
	}
	f.frames[s] = r
	return r
}

func scaled(s *model.Step, channel int, sc *model.Scaler) []float64 {
	out := make([]float64, len(s.Services))
	for i, name := range s.Services {
		out[i] = math.NaN()
		if v, ok := s.Value(i, channel); ok {
			out[i] = sc.Scaled(name, v)
		}
	}
	return out
}

// neighbours are the means of each service's callers' and callees' values in the step, weighted by its
// calls; NaN where no neighbour was observed. A service is no neighbour of its own.
func neighbours(s *model.Step, own []float64) (callers, callees []float64) {
	n := len(own)
	callers, callees = make([]float64, n), make([]float64, n)
	in, out := make([]float64, n), make([]float64, n)
	g := s.Graph
	for i := range n {
		for k := g.RowPtr[i]; k < g.RowPtr[i+1]; k++ {
			j, w := int(g.Col[k]), float64(g.Weight[k])
			if i == j {
				continue
			}
			if !math.IsNaN(own[j]) {
				callees[i] += w * own[j]
				out[i] += w
			}
			if !math.IsNaN(own[i]) {
				callers[j] += w * own[i]
				in[j] += w
			}
		}
	}
	for i := range n {
		callers[i] /= in[i]
		callees[i] /= out[i]
	}
	return callers, callees
}

// gather lays the window's frames out by the services of its last step.
func (f *Features) gather(window []*model.Step) {
	t := f.Task.Input
	services := window[len(window)-1].Services
	n := len(services)
	for s := range f.history {
		f.history[s] = sized(f.history[s], n*t)
		for i := range f.history[s] {
			f.history[s][i] = math.NaN()
		}
	}
	f.others = sized(f.others, n*len(f.Others))
	clear(f.others)
	f.index = sized(f.index, n)
	for k, step := range window {
		r := f.frame(step)
		model.IndexInto(f.index, step.Services, services)
		place := t - len(window) + k
		for i, at := range f.index {
			if at < 0 {
				continue
			}
			f.history[0][i*t+place] = r.own[at]
			if !f.Graph {
				continue
			}
			f.history[1][i*t+place], f.history[2][i*t+place] = r.callers[at], r.callees[at]
			for o, values := range r.others {
				if v := values[at]; !math.IsNaN(v) {
					f.others[i*len(f.Others)+o] = v
				}
			}
		}
	}
}
