package stgnn

import (
	"math"
	"slices"
)

// The change that the network forecasts is in a unit of its own for each service and
// window: how far the window's values lie from the last one (root mean square), mixed, in
// logarithms, with what is usual for the service. A service that stays at a level far from its
// mean (a backlog, an outage) then is forecast to move as much as it moves now, not by a share
// of the deviation of all its past.

const (
	priorUnit = 4    // values of the usual unit that are mixed in
	minUnit   = 1e-3 // smallest unit, in deviations
	minLocal  = 0.05 // smallest local spread, as a share of the usual one
)

// unit takes the spread of n earlier values around the last one.
func (l *learned) unit(row int32, local float64, n int) float32 {
	if !l.guarded() {
		return 1
	}
	u := float64(l.usual[len(l.usual)-1])
	if row >= 0 {
		u = float64(l.usual[row])
	}
	u = max(u, minUnit)
	mixed := (float64(n)*math.Log(max(local, minLocal*u)) + priorUnit*math.Log(u)) / float64(n+priorUnit)
	return float32(max(math.Exp(mixed), minUnit))
}

// spread is the root mean square of the window's earlier values less the last one.
func spread(changes []float32) float64 {
	var squares float64
	for _, c := range changes {
		squares += float64(c) * float64(c)
	}
	return math.Sqrt(squares / float64(max(len(changes), 1)))
}

// newUsual finds each service's usual unit, the median over the training windows, and,
// as the last element, the median over all services.
func (l *learned) newUsual(d *data) []float32 {
	f, n := len(l.task.Channels), l.task.Input
	seen := make([][]float32, len(l.scale.names))
	own := make([]float32, n)
	for _, o := range d.origins {
		v := d.view(&l.basis, o)
		for i, row := range d.features[o].known {
			if row < 0 || !l.observed(v, i) {
				continue
			}
			v.series(i, l.task.Target, f, own)
			for t := range own[:n-1] {
				own[t] -= own[n-1]
			}
			seen[row] = append(seen[row], float32(spread(own[:n-1])))
		}
	}
	var all []float32
	for _, s := range seen {
		if len(s) > 0 {
			slices.Sort(s)
			all = append(all, s[len(s)/2])
		}
	}
	middle := float32(1)
	if len(all) > 0 {
		slices.Sort(all)
		middle = max(all[len(all)/2], minUnit)
	}
	out := make([]float32, len(seen)+1)
	for i, s := range seen {
		out[i] = middle
		if len(s) > 0 {
			out[i] = s[len(s)/2]
		}
	}
	out[len(seen)] = middle
	return out
}
