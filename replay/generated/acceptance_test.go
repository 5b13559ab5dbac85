package generated

import (
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"presage/replay"
)

var acceptHours = flag.Float64("accept-hours", 0, "length of the run that TestAcceptanceFigures looks at")

// series are slice means of one service's server spans.
type series struct {
	sum, count []float64
}

// table holds the series of a run in slices of one width.
type table struct {
	width  int64
	start  int64
	slices int
	by     map[string]*series
}

func (tb *table) add(span *replay.Span) {
	if span.Kind != spanServer && span.Kind != spanConsumer {
		return
	}
	k := int((span.End - tb.start) / tb.width)
	if k < 0 || k >= tb.slices {
		return
	}
	name := span.Resource[0].Value.Str
	s := tb.by[name]
	if s == nil {
		s = &series{make([]float64, tb.slices), make([]float64, tb.slices)}
		tb.by[name] = s
	}
	s.sum[k] += float64(span.End-span.Start) / 1e6
	s.count[k]++
}

// logs returns log(mean + 1 ms) of the slices, NaN where a slice is empty.
func (s *series) logs() []float64 {
	x := make([]float64, len(s.sum))
	for i := range x {
		x[i] = math.NaN()
		if s.count[i] > 0 {
			x[i] = math.Log(s.sum[i]/s.count[i] + 1)
		}
	}
	return x
}

// persistence returns the R² of the last value as a forecast h steps ahead, and
// the lag-h autocorrelation.
func persistence(x []float64, h int) (r2, corr float64) {
	mean, n := 0.0, 0.0
	for _, v := range x {
		if !math.IsNaN(v) {
			mean += v
			n++
		}
	}
	mean /= n
	var miss, total, cross, m float64
	for i := h; i < len(x); i++ {
		if math.IsNaN(x[i]) || math.IsNaN(x[i-h]) {
			continue
		}
		miss += (x[i] - x[i-h]) * (x[i] - x[i-h])
		total += (x[i] - mean) * (x[i] - mean)
		cross += (x[i] - mean) * (x[i-h] - mean)
		m++
	}
	return 1 - miss/total, cross / total
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	x = slices.DeleteFunc(x, math.IsNaN)
	if slices.Sort(x); len(x) == 0 {
		return math.NaN()
	}
	return x[len(x)/2]
}

// quantile returns the q-quantile of x.
func quantile(x []float64, q float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[int(q*float64(len(x)-1))]
}

// TestAcceptanceFigures prints the figures that say whether forecasting the
// generated system means something: run it with -v and -accept-hours 6.
func TestAcceptanceFigures(t *testing.T) {
	length, seeds := 12*time.Minute, uint64(1)
	if *acceptHours > 0 {
		length, seeds = time.Duration(*acceptHours*float64(time.Hour)), 5
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		var tables []*table
		for _, width := range []time.Duration{10 * time.Second, time.Minute} {
			tables = append(tables, &table{int64(width), defaultStart + int64(9*time.Hour), int(length / width), map[string]*series{}})
		}
		durations := map[string][]float64{}
		n := 0
		g := items(t, Options{Seed: seed, Duration: length, Start: defaultStart + int64(9*time.Hour)}, func(i replay.Item) {
			if i.Span == nil {
				return
			}
			n++
			for _, tb := range tables {
				tb.add(i.Span)
			}
			if i.Span.Kind == spanServer {
				name := i.Span.Resource[0].Value.Str
				durations[name] = append(durations[name], float64(i.Span.End-i.Span.Start)/1e6)
			}
		})
		t.Logf("seed %d: %s; %.0f spans/s", seed, g.w.describe(), float64(n)/length.Seconds())
		for _, tb := range tables {
			var r2, corr, corr5, dev, gain []float64
			for _, s := range tb.by {
				x := s.logs()
				a, b := persistence(x, 1)
				_, c := persistence(x, 5)
				r2, corr, corr5 = append(r2, a), append(corr, b), append(corr5, c)
				dev = append(dev, deviation(x))
				if g := ridgeGain(x, 12); !math.IsNaN(g) {
					gain = append(gain, g)
				}
			}
			t.Logf("  slices of %v: persistence R² median %.2f (p10 %.2f, p90 %.2f), lag-1 correlation %.2f, lag-5 %.2f, log deviation %.2f; error of a regression on 12 lags in persistence's: %.2f",
				time.Duration(tb.width), median(r2), quantile(r2, 0.1), quantile(r2, 0.9), median(corr), median(corr5), median(dev), median(append(gain, math.NaN())))
		}
		var tails []float64
		var levels strings.Builder
		for name, d := range durations {
			tails = append(tails, quantile(d, 0.99)/quantile(d, 0.5))
			fmt.Fprintf(&levels, " %s %.0f", name, quantile(d, 0.5))
		}
		t.Logf("  p99/p50 median %.1f, max %.1f; medians in ms:%s", median(tails), slices.Max(tails), levels.String())
		if m := median(tails); m < 2 || m > 60 {
			t.Errorf("p99/p50 is %.1f: not a service's", m)
		}
	}
}

// ridgeGain fits a ridge regression on a series' own lags to its first two thirds and
// returns its mean absolute error on the rest, in persistence's.
func ridgeGain(x []float64, lags int) float64 {
	cut := len(x) * 2 / 3
	if cut <= 2*lags {
		return math.NaN()
	}
	n := lags + 1
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		a[i][i] = 1
	}
	row := func(i int) []float64 {
		r := append([]float64{1}, x[i-lags:i]...)
		for k := range r[1:] {
			r[k+1] -= x[i-1] // changes from the last value
		}
		return r
	}
	whole := func(i int) bool {
		for _, v := range x[i-lags : i+1] {
			if math.IsNaN(v) {
				return false
			}
		}
		return true
	}
	for i := lags; i < cut; i++ {
		if !whole(i) {
			continue
		}
		r := row(i)
		r[lags] = x[i-1] // the level, in place of the zero change
		for p := range n {
			for q := range n {
				a[p][q] += r[p] * r[q]
			}
			a[p][n] += r[p] * (x[i] - x[i-1])
		}
	}
	for p := range n { // Gauss and Jordan
		for q := range n {
			if f := a[q][p] / a[p][p]; q != p {
				for k := p; k <= n; k++ {
					a[q][k] -= f * a[p][k]
				}
			}
		}
	}
	var model, naive float64
	for i := cut; i < len(x); i++ {
		if !whole(i) {
			continue
		}
		r := row(i)
		r[lags] = x[i-1]
		y := x[i-1]
		for p := range n {
			y += a[p][n] / a[p][p] * r[p]
		}
		model += math.Abs(y - x[i])
		naive += math.Abs(x[i-1] - x[i])
	}
	return model / naive
}

func deviation(x []float64) float64 {
	var n, sum, square float64
	for _, v := range x {
		if !math.IsNaN(v) {
			n++
			sum += v
			square += v * v
		}
	}
	return math.Sqrt(square/n - sum/n*sum/n)
}
