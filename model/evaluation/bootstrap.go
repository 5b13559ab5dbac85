package evaluation

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Difference is the paired comparison of a method with another one on the same points: its mean absolute error
// less the other's, with the 95 % interval of a moving-block bootstrap over slices.
type Difference struct {
	Method     string  `json:"method"` // the other one, with its protocol
	Step       int     `json:"step"`   // 0: all steps together
	Difference float64 `json:"difference_mae"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	// Seeds of the method that were better than the other's same seed, or its mean.
	Seeds int `json:"seeds_better"`
}

// resamples is the number of bootstrap draws, made from one fixed seed.
const resamples = 2000

// Compare holds the records of a method, a seed each, against another's. Loss is the absolute error, scaled by service
// if scaled is set; step -1 means all steps together.
func (e *Exam) Compare(own, other []*Record, step int, scaled bool, f Filter) Difference {
	d := Difference{Method: other[0].ID(), Step: step + 1}
	sums, counts := e.lossDifferences(own, other, step, scaled, f)
	d.Difference = ratio(sums, counts)
	d.Low, d.High = e.bootstrap(sums, counts)
	for _, r := range own {
		against := other
		for _, o := range other {
			if o.Seed == r.Seed && len(other) > 1 {
				against = []*Record{o}
			}
		}
		s, c := e.lossDifferences([]*Record{r}, against, step, scaled, f)
		if ratio(s, c) < 0 {
			d.Seeds++
		}
	}
	return d
}

// lossDifferences sums, for each test window, the loss of own less that of other, means over their seeds, over the
// window's points.
func (e *Exam) lossDifferences(own, other []*Record, step int, scaled bool, f Filter) (sums, counts []float64) {
	n, h := len(e.Services), e.Task.Horizons
	sums, counts = make([]float64, e.Tests()), make([]float64, e.Tests())
	from, to := step, step+1
	if step < 0 {
		from, to = 0, h
	}
	for w := range sums {
		for i, service := range e.Services {
			for s := from; s < to; s++ {
				at := (w*n+i)*h + s
				if !f(w, i, s) {
					continue
				}
				loss := func(records []*Record) float64 {
					var sum float64
					for _, r := range records {
						if scaled {
							sum += math.Abs(e.Scaler.Scaled(service, float64(r.Yhat[at])) - e.Scaler.Scaled(service, float64(e.Truth[at])))
						} else {
							sum += math.Abs(float64(r.Yhat[at]) - float64(e.Truth[at]))
						}
					}
					return sum / float64(len(records))
				}
				sums[w] += loss(own) - loss(other)
				counts[w]++
			}
		}
	}
	return sums, counts
}

func ratio(sums, counts []float64) float64 {
	var s, c float64
	for i := range sums {
		s += sums[i]
		c += counts[i]
	}
	return s / c
}

// bootstrap draws blocks of consecutive windows, at least four horizons long, until it has as many windows as there are,
// and gives the central 95 % of the draws' mean differences.
func (e *Exam) bootstrap(sums, counts []float64) (low, high float64) {
	n := len(sums)
	block := min((4*e.Task.Horizons+e.Stride-1)/e.Stride, n)
	rng := rand.New(rand.NewPCG(1, 0x626c6f636b))
	draws := make([]float64, resamples)
	for k := range draws {
		var s, c float64
		for taken := 0; taken < n; taken += block {
			from := rng.IntN(n - block + 1)
			for i := from; i < from+min(block, n-taken); i++ {
				s += sums[i]
				c += counts[i]
			}
		}
		draws[k] = s / c
	}
	slices.Sort(draws)
	return draws[resamples/40], draws[resamples-1-resamples/40]
}
