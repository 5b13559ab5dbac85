package panel

import (
	"math"
	"slices"
)

// band makes intervals of a network that gives a point: quantiles of its errors on the validation windows, by
// horizon, in each service's own spread.
type band struct {
	Spread  []float32 // [N] typical absolute error, scaled
	Offsets []float32 // [H, Q]
}

// The median of all services counts as this many errors of a service's own.
const priorErrors = 30

// leastSpread keeps the band of a constant service open.
const leastSpread = 1e-3

func (p *problem) newBand() *band {
	l := p.l
	errs := make([][]float64, len(l.services))
	type miss struct {
		row, step int
		by        float64
	}
	var misses []miss
	p.overValid(func(row, step int, y, target float32) {
		d := float64(target - y)
		errs[row] = append(errs[row], math.Abs(d))
		misses = append(misses, miss{row, step, d})
	})
	var all []float64
	for _, e := range errs {
		all = append(all, e...)
	}
	pooled := middle(all)
	b := &band{}
	for _, e := range errs {
		n := float64(len(e))
		b.Spread = append(b.Spread, float32(max((n*middle(e)+priorErrors*pooled)/(n+priorErrors), leastSpread)))
	}
	byStep := make([][]float64, l.task.Horizons)
	for _, m := range misses {
		byStep[m.step] = append(byStep[m.step], m.by/float64(b.Spread[m.row]))
	}
	for _, d := range byStep {
		slices.Sort(d)
		for _, level := range l.task.Levels {
			v := 0.0
			if len(d) > 0 && level != 0.5 {
				v = d[min(int(level*float64(len(d))), len(d)-1)]
			}
			if level < 0.5 { // a biased network's quantiles must not cross either
				v = math.Min(v, 0)
			} else {
				v = math.Max(v, 0)
			}
			b.Offsets = append(b.Offsets, float32(v))
		}
	}
	return b
}

// middle is the median of values, which it sorts; 0 of none.
func middle(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}
