package stgnn

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"

	"presage/model"
)

// lead lists, for each service of the scaler, the services whose target moved in training before its own did: edges
// that are learned beside those that are observed.
type lead struct {
	k      int
	index  []int32   // [names, k] places in the scaler, -1 where there are fewer
	weight []float32 // [names, k] correlations, all positive
}

const (
	leadSteps    = 2048 // slices to correlate on, the last ones
	leadFewest   = 24   // fewer mean nothing
	leadSmallest = 0.1  // weakest correlation that counts
	leadServices = 4096 // above it nothing is searched: the matrix of all pairs would take 64 MiB and more
)

// best keeps each service's strongest positive correlations, the rows of corr [names, names].
func (l lead) best(corr blas32.General) {
	n, k := corr.Rows, l.k
	type pair struct {
		with int32
		corr float32
	}
	best := make([]pair, 0, n)
	for i := range n {
		best = best[:0]
		for j := range n {
			if c := corr.Data[i*n+j]; j != i && c > leadSmallest {
				best = append(best, pair{int32(j), c})
			}
		}
		slices.SortFunc(best, func(a, b pair) int {
			switch {
			case a.corr > b.corr:
				return -1
			case a.corr < b.corr:
				return 1
			}
			return int(a.with - b.with)
		})
		for m, p := range best[:min(k, len(best))] {
			l.index[i*k+m], l.weight[i*k+m] = p.with, p.corr
		}
	}
}

// newLead correlates each service's change over a quarter of the horizon with all services' high-pass residuals at the
// present, the target less its mean over the T slices before, over the last training slices. What is missing counts
// as zero.
func newLead(steps []*model.Step, t model.Task, ch channels, sc *scaler, k int) lead {
	n := len(sc.names)
	l := lead{k: max(k, 0)}
	if k <= 0 || n < 2 || n > leadServices {
		l.k = 0
		return l
	}
	l.index = make([]int32, n*k)
	l.weight = make([]float32, n*k)
	for i := range l.index {
		l.index[i] = -1
	}
	steps = steps[max(0, len(steps)-leadSteps):]
	if len(steps) < leadFewest {
		return l
	}
	now, ahead := residuals(steps, t, ch, sc), changes(steps, t, ch, sc)
	r := blas32.General{Rows: n, Cols: len(steps), Stride: len(steps), Data: now}
	c := blas32.General{Rows: n, Cols: len(steps), Stride: len(steps), Data: ahead}
	corr := blas32.General{Rows: n, Cols: n, Stride: n, Data: make([]float32, n*n)}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, c, r, 0, corr)
	l.best(corr)
	return l
}

// changes are [names, steps] rows of length one (or zero): the change of the target to a quarter of the horizon ahead.
func changes(steps []*model.Step, t model.Task, ch channels, sc *scaler) []float32 {
	n, f, lag := len(sc.names), len(t.Channels), max(1, t.Horizons/4)
	out := make([]float32, n*len(steps))
	for k := range steps {
		if k+lag >= len(steps) || steps[k+lag].Segment != steps[k].Segment || steps[k+lag].At != steps[k].At+int64(lag)*steps[k].Width {
			continue
		}
		now, then := steps[k], steps[k+lag]
		rows := model.Index(then.Services, now.Services)
		for i, row := range sc.rows(now.Services) {
			j := rows[i]
			if row < 0 || j < 0 || now.Mask[i*f+t.Target] == 0 || then.Mask[int(j)*f+t.Target] == 0 {
				continue
			}
			out[int(row)*len(steps)+k] = ch.forward(t.Target, then.Values[int(j)*f+t.Target]) - ch.forward(t.Target, now.Values[i*f+t.Target])
		}
	}
	unit(out, n)
	return out
}

// residuals are [names, steps] rows of length one (or zero).
func residuals(steps []*model.Step, t model.Task, ch channels, sc *scaler) []float32 {
	n, f := len(sc.names), len(t.Channels)
	out := make([]float32, n*len(steps))
	past := make([][]float32, n) // values of the last T slices where observed
	for k, s := range steps {
		if k > 0 && !steps[k-1].Contiguous(s) {
			clear(past)
		}
		for i, row := range sc.rows(s.Services) {
			if row < 0 || s.Mask[i*f+t.Target] == 0 {
				continue
			}
			v := ch.forward(t.Target, s.Values[i*f+t.Target])
			if p := past[row]; len(p) > 0 {
				var sum float32
				for _, x := range p {
					sum += x
				}
				out[int(row)*len(steps)+k] = v - sum/float32(len(p))
				if len(p) == t.Input {
					past[row] = append(p[:0], p[1:]...)
				}
			}
			past[row] = append(past[row], v)
		}
	}
	unit(out, n)
	return out
}

// unit scales rows to length one; zero stays.
func unit(out []float32, n int) {
	width := len(out) / max(n, 1)
	for i := range n {
		row := out[i*width : (i+1)*width]
		var squares float64
		for _, v := range row {
			squares += float64(v) * float64(v)
		}
		if squares == 0 {
			continue
		}
		scale := float32(1 / math.Sqrt(squares))
		for k := range row {
			row[k] *= scale
		}
	}
}
