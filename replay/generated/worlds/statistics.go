package worlds

import (
	"math"
	"slices"
)

// logs returns log(x + 1) of one column of an array [slice, column].
func logs(values []float32, columns, column, from int) []float64 {
	out := make([]float64, 0, len(values)/columns-from)
	for k := from*columns + column; k < len(values); k += columns {
		out = append(out, math.Log1p(float64(values[k])))
	}
	return out
}

// take returns one column of an array [slice, column].
func take(values []float32, columns, column int) []float64 {
	out := make([]float64, 0, len(values)/columns)
	for k := column; k < len(values); k += columns {
		out = append(out, float64(values[k]))
	}
	return out
}

// middle returns the median of what is not NaN.
func middle(x []float64) float64 {
	x = slices.DeleteFunc(slices.Clone(x), math.IsNaN)
	if len(x) == 0 {
		return math.NaN()
	}
	slices.Sort(x)
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// average returns the mean of what is not NaN.
func average(x []float64) float64 {
	sum, n := 0.0, 0.0
	for _, v := range x {
		if v == v {
			sum += v
			n++
		}
	}
	return sum / n
}

// persistence returns the R² of the last value as a forecast h steps ahead, against
// the series' own mean, and the autocorrelation at lag h.
func persistence(x []float64, h int) (r2, correlation float64) {
	mean := average(x)
	var miss, total, cross float64
	for i := h; i < len(x); i++ {
		if a, b := x[i]-mean, x[i-h]-mean; a == a && b == b {
			miss += (a - b) * (a - b)
			total += a * a
			cross += a * b
		}
	}
	if total == 0 {
		return math.NaN(), math.NaN()
	}
	return 1 - miss/total, cross / total
}

// pearson returns the correlation of the pairs without NaN, NaN if there are few.
func pearson(x, y []float64) float64 {
	var n, sx, sy float64
	for i := range x {
		if x[i] == x[i] && y[i] == y[i] {
			n++
			sx += x[i]
			sy += y[i]
		}
	}
	var xx, yy, xy float64
	for i := range x {
		if x[i] == x[i] && y[i] == y[i] {
			a, b := x[i]-sx/n, y[i]-sy/n
			xx, yy, xy = xx+a*a, yy+b*b, xy+a*b
		}
	}
	if n < 30 || xx <= 0 || yy <= 0 {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}

// spearman returns the rank correlation of the pairs without NaN.
func spearman(x, y []float64) float64 {
	var a, b []float64
	for i := range x {
		if x[i] == x[i] && y[i] == y[i] {
			a, b = append(a, x[i]), append(b, y[i])
		}
	}
	return pearson(ranks(a), ranks(b))
}

// ranks returns the values' ranks, equal ones at their mean.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case x[a] < x[b]:
			return -1
		case x[a] > x[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for k := i; k < j; k++ {
			out[order[k]] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}

// changes returns the first differences of a series.
func changes(x []float64) []float64 {
	out := make([]float64, max(0, len(x)-1))
	for i := range out {
		out[i] = x[i+1] - x[i]
	}
	return out
}

// lagged returns the correlation of x with y lag steps later.
func lagged(x, y []float64, lag int) float64 {
	if lag < 0 {
		return lagged(y, x, -lag)
	}
	if len(x) <= lag {
		return math.NaN()
	}
	return pearson(x[:len(x)-lag], y[lag:])
}

// tailExponent returns the exponent of the power law that counts of at least least
// follow, by maximum likelihood for whole numbers (Clauset, Shalizi and Newman 2009, 3.7).
func tailExponent(counts []int, least int) float64 {
	n, sum := 0.0, 0.0
	for _, c := range counts {
		if c >= least {
			n++
			sum += math.Log(float64(c) / (float64(least) - 0.5))
		}
	}
	return 1 + n/sum
}
