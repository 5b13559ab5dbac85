package stgnn

import (
	"math"
	"slices"

	"presage/model/tensor/kernel"
)

// The change that the network forecasts is in a unit of its own for each service and
// window: how far the window's values lie from the last one (root mean square), mixed, in
// logarithms, with what is usual for the service. A service that stays at a level far from its
// mean (a backlog, an outage) then is forecast to move as much as it moves now, not by a share
// of the deviation of all its past.

const (
	priorUnit = 4    // values of the usual unit that are mixed in
	minUnit   = 1e-3 // smallest unit, in deviations

	logMinUnit = -6.907755278982137 // log(minUnit)
	// Spreads come to their logarithm by log(1 + x), which loses nothing once they are this much larger.
	localScale    = 1 << 20
	logLocalScale = 13.862943611198906

	logMinLocal = -2.995732273553991 // log(0.05): smallest local spread, as a share of the usual one
)

// units finds the units of a block of services (their rows in the scaler, or -1) by the desk's spreads of
// their earlier values around the last one, and what the network is told of them.
func (a *assembler) units(unit []float32, rows []int32, d *desk) {
	local, told := d.local[:len(unit)], d.told[:len(unit)]
	if !a.guarded {
		for k := range unit {
			unit[k], told[k] = 1, local[k]+0.05-1
		}
		kernel.Log1p(told, told)
		return
	}
	for k, v := range local {
		told[k] = v*localScale - 1
	}
	kernel.Log1p(told, told) // log(local × localScale): minus infinity at zero
	n := float32(a.input - 1)
	for k, row := range rows {
		usual := a.logs[len(a.logs)-1]
		if row >= 0 {
			usual = a.logs[row]
		}
		now := told[k] - logLocalScale
		if least := logMinLocal + usual; now < least {
			now = least
		}
		mixed := (n*now + priorUnit*usual) / (n + priorUnit)
		if mixed < logMinUnit {
			mixed = logMinUnit
		}
		told[k] = mixed
	}
	kernel.Exp(unit, told)
}

// logUnit is the logarithm of a usual unit.
func logUnit(u float32) float32 { return float32(math.Log(max(float64(u), minUnit))) }

// spread is the root mean square of the window's earlier values less the last one.
func spread(changes []float32) float32 {
	var squares float64
	for _, c := range changes {
		squares += float64(c) * float64(c)
	}
	return float32(math.Sqrt(squares / float64(max(len(changes), 1))))
}

// newUsual finds each service's usual unit, the median over the training windows, and,
// as the last element, the median over all services.
func (l *learned) newUsual(d *data) []float32 {
	f, n := len(l.task.Channels), l.task.Input
	seen := make([][]float32, len(l.scale.names))
	own := make([]float32, n)
	var memory views
	for _, o := range d.origins {
		memory.reset()
		v := d.view(&l.basis, &memory, o)
		for i, row := range d.features[o].known {
			if row < 0 || !l.observed(&v, i) {
				continue
			}
			v.series(i, l.task.Target, f, own)
			for t := range own[:n-1] {
				own[t] -= own[n-1]
			}
			seen[row] = append(seen[row], spread(own[:n-1]))
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
