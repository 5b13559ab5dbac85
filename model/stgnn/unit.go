package stgnn

import (
	"math"
	"slices"
)

// The change that the network forecasts is in a unit of its own for each service and
// window: the root mean square distance of the window's values from the last one, mixed with what is usual for
// the service. A service that stays at a level far from its mean (a backlog, an outage) then is
// forecast to move as much as it moves now, not by a share of the deviation of all its past.

// priorUnit is how many values of the usual unit are mixed in.
const priorUnit = 4

// minUnit is the smallest unit, in deviations.
const minUnit = 1e-3

// unit takes the window's earlier values less the last one.
func (l *learned) unit(row int32, changes []float32) float32 {
	usual := l.usual[len(l.usual)-1]
	if row >= 0 {
		usual = l.usual[row]
	}
	n := float64(len(changes))
	var squares float64
	for _, c := range changes {
		squares += float64(c) * float64(c)
	}
	u := float64(usual)
	r := max(math.Sqrt(squares/max(n, 1)), 0.05*u)
	return float32(max(math.Exp((n*math.Log(r)+priorUnit*math.Log(max(u, minUnit)))/(n+priorUnit)), minUnit))
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
			var squares float64
			for _, z := range own[:n-1] {
				c := float64(z - own[n-1])
				squares += c * c
			}
			seen[row] = append(seen[row], float32(math.Sqrt(squares/float64(max(n-1, 1)))))
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
