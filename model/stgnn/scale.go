package stgnn

import (
	"math"
	"slices"

	"presage/model"
)

// scaler standardises channels by what the training slices held. It never changes after
// it was made.
type scaler struct {
	names  []string // services of the training slices, sorted
	index  map[string]int32
	mean   []float32 // [names, F]
	dev    []float32 // [names, F]
	level  []float32 // [names, F, 2] standing among the services
	target []bool    // [names] the target was observed at least once

	pooled  []stat    // [F] for a service of which little or nothing is known
	typical []stat    // [F] mean of the services' means and of their deviations
	spread  []float32 // [F] deviation of the services' means
}

// stat is a mean and a deviation.
type stat struct{ mean, dev float32 }

// Few values say little: so many values of the pooled statistics are mixed in.
const (
	priorMean = 2
	priorDev  = 8
)

// minDev is the smallest deviation, as a share of the pooled one: a service that
// hardly moved in training must not turn a later move into hundreds of deviations.
const minDev = 0.1

// newScaler learns from the training slices.
func newScaler(steps []*model.Step, t model.Task, ch channels, scaling string) *scaler {
	f := len(t.Channels)
	all := make([]model.Moments, f)
	sums := map[string][]model.Moments{}
	for _, s := range steps {
		for i, name := range s.Services {
			m := sums[name]
			if m == nil {
				m = make([]model.Moments, f)
				sums[name] = m
			}
			for c := range f {
				if s.Mask[i*f+c] != 0 {
					v := float64(ch.forward(c, s.Values[i*f+c]))
					m[c].Add(v)
					all[c].Add(v)
				}
			}
		}
	}
	sc := &scaler{}
	for name := range sums {
		sc.names = append(sc.names, name)
	}
	slices.Sort(sc.names)
	sc.pool(sums, all, scaling)
	for _, name := range sc.names {
		m := sums[name]
		sc.target = append(sc.target, m[t.Target].Count > 0)
		for c := range f {
			st := sc.pooled[c]
			if scaling == ScalePerService {
				st = sc.blend(c, m[c])
			}
			sc.mean = append(sc.mean, st.mean)
			sc.dev = append(sc.dev, st.dev)
			sc.level = append(sc.level, sc.standing(c, m[c])...)
		}
	}
	sc.reindex()
	return sc
}

// reindex makes the index of names.
func (sc *scaler) reindex() {
	sc.index = make(map[string]int32, len(sc.names))
	for i, name := range sc.names {
		sc.index[name] = int32(i)
	}
}

// pool fills the statistics over all services: those of the typical service, or of all
// values together.
func (sc *scaler) pool(sums map[string][]model.Moments, all []model.Moments, scaling string) {
	for c := range all {
		var means model.Moments
		var within float64
		for _, name := range sc.names {
			if m := sums[name][c]; m.Count > 0 {
				means.Add(m.Mean)
				within += m.Deviation()
			}
		}
		within /= max(means.Count, 1)
		st := stat{float32(means.Mean), float32(within)}
		if scaling == ScalePooled {
			st = stat{float32(all[c].Mean), float32(all[c].Deviation())}
		}
		if st.dev < 1e-6 {
			st.dev = 1
		}
		sc.pooled = append(sc.pooled, st)
		sc.typical = append(sc.typical, stat{float32(means.Mean), float32(max(within, 1e-6))})
		spread := float32(means.Deviation())
		if spread < 1e-6 {
			spread = 1
		}
		sc.spread = append(sc.spread, spread)
	}
}

// blend is the scale of a service whose values have the moments m.
func (sc *scaler) blend(channel int, m model.Moments) stat {
	p := sc.pooled[channel]
	if m.Count == 0 {
		return p
	}
	mean := (m.Count*m.Mean + priorMean*float64(p.mean)) / (m.Count + priorMean)
	variance := (m.Squares() + priorDev*float64(p.dev)*float64(p.dev)) / (m.Count + priorDev)
	return stat{float32(mean), float32(max(math.Sqrt(variance), minDev*float64(p.dev)))}
}

// standing is where a service stands among all: its mean in deviations of the services' means
// and the logarithm of its deviation over the typical one, bounded.
func (sc *scaler) standing(channel int, m model.Moments) []float32 {
	if m.Count == 0 {
		return []float32{0, 0}
	}
	t := sc.typical[channel]
	mean := (m.Mean - float64(t.mean)) / float64(sc.spread[channel])
	dev := math.Log((m.Deviation() + 0.01*float64(t.dev)) / (1.01 * float64(t.dev)))
	return []float32{float32(max(-3, min(mean, 3))), float32(max(-3, min(dev, 3)))}
}

// rows finds the services' places in the scaler, -1 for those that training never saw.
func (sc *scaler) rows(services []string) []int32 {
	out := make([]int32, len(services))
	for i, name := range services {
		if r, ok := sc.index[name]; ok {
			out[i] = r
		} else {
			out[i] = -1
		}
	}
	return out
}

// at is the scale of a known service's channel.
func (sc *scaler) at(row int32, channel, f int) stat {
	i := int(row)*f + channel
	return stat{sc.mean[i], sc.dev[i]}
}
