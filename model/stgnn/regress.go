package stgnn

import "gonum.org/v1/gonum/mat"

const (
	ridge       = 10     // penalty of the regression, in rows of lags of size one
	largestStep = 3      // changes are cut here, in their unit: a few outages must not decide
	regressRows = 50_000 // windows × services that the regression is fitted on, about
)

// regress starts the straight path from the lags to the medians at the ridge regression
// of the changes ahead on the changes before, over all services. It needs few windows, so that the
// residual network begins with what a linear forecaster knows and learns what that can't.
func (l *learned) regress(d *data, a *assembler) {
	lags, h, q, m := l.task.Input-1, l.task.Horizons, len(l.task.Levels), median(l.task.Levels)
	if lags == 0 {
		return
	}
	gram, moment := mat.NewSymDense(lags, nil), mat.NewDense(lags, h, nil)
	var r rows
	var b batch[float32]
	x := make([]float64, lags)
	vector := mat.NewVecDense(lags, x) // on x
	stride := 1 + len(d.origins)*d.services()/regressRows
	for o := 0; o < len(d.origins); o += stride {
		r.reset()
		r.add(&l.basis, d, d.origins[o])
		a.fill(&b, r.view, r.service)
		for k := range r.service {
			own := b.x[k*a.width+l.net.lag:]
			for i := range x {
				x[i] = float64(own[i])
			}
			weight := float64(r.weight[k*h : (k+1)*h][0])
			if !whole(r.weight[k*h : (k+1)*h]) {
				continue
			}
			gram.SymRankOne(gram, weight, vector)
			for s := range h {
				change := float64(r.target[k*h+s]-b.base[k]) / float64(b.unit[k])
				change = max(-largestStep, min(change, largestStep))
				for i, v := range x {
					moment.Set(i, s, moment.At(i, s)+weight*v*change)
				}
			}
		}
	}
	for i := range lags {
		gram.SetSym(i, i, gram.At(i, i)+ridge)
	}
	var chol mat.Cholesky
	var w mat.Dense
	if !chol.Factorize(gram) || chol.SolveTo(&w, moment) != nil {
		return // no regression: training starts from persistence
	}
	for i := range lags {
		for s := range h {
			l.net.lags.W.Data[i*h*q+s*q+m] = float32(w.At(i, s))
		}
	}
}

// whole reports whether no target of a row is missing.
func whole(weights []float32) bool {
	for _, w := range weights {
		if w == 0 {
			return false
		}
	}
	return true
}
