package worlds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"presage/ingest/otlp"
	"presage/replay/generated"
)

// Figures say whether forecasting a world means something. Medians are over services or
// edges; response times are log(ms + 1).
type Figures struct {
	World string
	// R² of the last value as a forecast, by horizon: over the whole run (this is what is
	// bounded), and over the test part; against the series' own mean.
	Persistence, PersistenceTest []float64
	// The same of the true means: without sampling noise.
	PersistenceTrue []float64
	Noise           float64 // deviation of the sampling noise, median
	Deviation       float64 // of the whole series, median
	Missing         float64 // share of missing response times
	Autocorrelation map[int]float64
	LoadRank        float64 // rank correlation of response time with requests
	CPURank         float64 // and with CPU
	CallTail        float64 // p99/p50 of a service's call durations, median
	FanInTail       float64 // exponent of the number of callers, from 2 on
	FanInMost       int
	MeanDepth       float64 // of calls below the entry
	Deepest         int
	// Changes of a callee's and its caller's true response time: Together at the same slice, Leads
	// one slice later at the caller, Follows one slice later at the callee.
	Together, Leads, Follows float64
	// NeighbourRank is the mean rank correlation of the two ends' observed changes, over edges.
	NeighbourRank float64
	// GraphGain is the share of the absolute error, one and six slices ahead, that neighbours'
	// past saves a small linear regression (see graphGain).
	GraphGain, GraphGain6 float64
	Retries               Retries
	Incidents             map[string]float64 // share by cause
	Precursors            float64            // share of incidents that grow before they hurt
	Floors                []FloorFigure      // by horizon
}

// FloorFigure compares the floors with persistence at one horizon: mean absolute
// errors of log(ms + 1) at the origins.
type FloorFigure struct {
	Persistence, F1, F0 float64
	Coverage            float64 // share of targets between F1's 5 % and 95 % quantiles
}

// Describe works the figures out. It streams some minutes of the world's spans for the
// durations of single calls.
func Describe(ctx context.Context, d *Data) (Figures, error) {
	f := Figures{World: d.World.Name, Autocorrelation: map[int]float64{}, Retries: d.Retries}
	d.describeSeries(&f)
	d.describeGraph(&f)
	d.describeEdges(&f)
	f.GraphGain, f.GraphGain6 = d.graphGain(1), d.graphGain(6)
	d.describeIncidents(&f)
	d.describeFloors(&f)
	var err error
	f.CallTail, err = callTail(ctx, &d.World, 5*time.Minute)
	return f, err
}

// describeSeries looks at services one by one.
func (d *Data) describeSeries(f *Figures) {
	n, horizons := len(d.Nodes), max(1, d.World.Floors.Horizons)
	whole, test, truth := make([][]float64, horizons), make([][]float64, horizons), make([][]float64, horizons)
	lags := map[int][]float64{1: nil, 15: nil, 60: nil}
	var load, cpu, noise, deviation []float64
	var gone, all float64
	for i := range d.Nodes {
		if d.Nodes[i].Store {
			continue
		}
		x, t := logs(d.Response, n, i, 0), logs(d.True, n, i, 0)
		last := x[d.TestFrom():]
		for h := range horizons {
			a, _ := persistence(x, h+1)
			b, _ := persistence(last, h+1)
			c, _ := persistence(t, h+1)
			whole[h], test[h], truth[h] = append(whole[h], a), append(test[h], b), append(truth[h], c)
		}
		for lag := range lags {
			_, c := persistence(x, lag)
			lags[lag] = append(lags[lag], c)
		}
		load = append(load, spearman(x, take(d.Requests, n, i)))
		cpu = append(cpu, spearman(x, take(d.CPU, n, i)))
		mean, square, error2 := average(x), make([]float64, len(x)), make([]float64, len(x))
		for k := range x {
			square[k] = (x[k] - mean) * (x[k] - mean)
			error2[k] = (x[k] - t[k]) * (x[k] - t[k])
			if all++; x[k] != x[k] {
				gone++
			}
		}
		noise, deviation = append(noise, math.Sqrt(average(error2))), append(deviation, math.Sqrt(average(square)))
	}
	for h := range horizons {
		f.Persistence = append(f.Persistence, middle(whole[h]))
		f.PersistenceTest = append(f.PersistenceTest, middle(test[h]))
		f.PersistenceTrue = append(f.PersistenceTrue, middle(truth[h]))
	}
	for lag, list := range lags {
		f.Autocorrelation[lag] = middle(list)
	}
	f.LoadRank, f.CPURank, f.Noise, f.Deviation, f.Missing = middle(load), middle(cpu), middle(noise), middle(deviation), gone/all
}

// describeGraph looks at the shape of the graph and of the trees.
func (d *Data) describeGraph(f *Figures) {
	fan := make([]int, len(d.Nodes))
	for _, e := range d.Edges {
		fan[e.Callee]++
	}
	f.FanInTail, f.FanInMost = tailExponent(fan, 2), slices.Max(fan)
	for depth, share := range d.Depths {
		f.MeanDepth += float64(depth) * share
	}
	f.Deepest = len(d.Depths) - 1
}

// describeEdges looks at how the ends of an edge move together.
func (d *Data) describeEdges(f *Figures) {
	n := len(d.Nodes)
	moves, truth := make([][]float64, n), make([][]float64, n)
	for i := range d.Nodes {
		if !d.Nodes[i].Store {
			moves[i], truth[i] = changes(logs(d.Response, n, i, 0)), changes(logs(d.True, n, i, 0))
		}
	}
	var together, leads, follows, rank []float64
	for _, e := range d.Edges {
		a, b := moves[e.Caller], moves[e.Callee]
		if a == nil || b == nil || e.Queue {
			continue
		}
		caller, callee := truth[e.Caller], truth[e.Callee]
		together = append(together, pearson(caller, callee))
		leads, follows = append(leads, lagged(callee, caller, 1)), append(follows, lagged(caller, callee, 1))
		rank = append(rank, spearman(a, b))
	}
	f.Together, f.Leads, f.Follows, f.NeighbourRank = middle(together), middle(leads), middle(follows), average(rank)
}

// describeIncidents counts causes.
func (d *Data) describeIncidents(f *Figures) {
	f.Incidents = map[string]float64{}
	one := 1 / float64(max(1, len(d.Incidents)))
	for i := range d.Incidents {
		f.Incidents[d.Incidents[i].Cause] += one
		if d.Incidents[i].Precursor {
			f.Precursors += one
		}
	}
}

// describeFloors compares the floors at the origins.
func (d *Data) describeFloors(f *Figures) {
	n := len(d.Nodes)
	if len(d.Future.Origins) == 0 {
		return
	}
	for h := range d.Future.Horizons {
		var naive, f1, f0, inside []float64
		for k, origin := range d.Future.Origins {
			for i := range n {
				target, at := (origin+h+1)*n+i, (k*d.Future.Horizons+h)*n+i
				seen, last := float64(d.Response[target]), float64(d.Response[origin*n+i])
				median, truth := float64(d.Future.Median[at]), float64(d.True[target])
				if seen != seen || last != last || median != median {
					continue
				}
				y := math.Log1p(seen)
				naive = append(naive, math.Abs(math.Log1p(last)-y))
				f1 = append(f1, math.Abs(math.Log1p(median)-y))
				f0 = append(f0, math.Abs(math.Log1p(truth)-y))
				in := 0.0
				if seen >= float64(d.Future.Low[at]) && seen <= float64(d.Future.High[at]) {
					in = 1
				}
				inside = append(inside, in)
			}
		}
		f.Floors = append(f.Floors, FloorFigure{Persistence: average(naive), F1: average(f1), F0: average(f0), Coverage: average(inside)})
	}
}

// callTail streams the first minutes of a world's spans and returns the median over
// services of p99/p50 of their calls' durations.
func callTail(ctx context.Context, w *World, length time.Duration) (float64, error) {
	opt := w.Options()
	opt.MetricsEvery = -1
	g, err := generated.Open(opt)
	if err != nil {
		return 0, fmt.Errorf("worlds: stream world %s: %w", w.Name, err)
	}
	defer func() { _ = g.Close() }() // nothing was written
	durations := map[string][]float64{}
	var begin int64
	for {
		item, err := g.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("worlds: stream world %s: %w", w.Name, err)
		}
		if begin == 0 {
			begin = item.At
		}
		if item.At-begin > int64(length) {
			break
		}
		if s := item.Span; s != nil && (s.Kind == spanServer || s.Kind == spanConsumer) {
			name := text(s.Resource, "service.name")
			durations[name] = append(durations[name], float64(s.End-s.Start))
		}
	}
	var tails []float64
	for _, list := range durations {
		if slices.Sort(list); len(list) >= 300 {
			tails = append(tails, list[len(list)*99/100]/list[len(list)/2])
		}
	}
	return middle(tails), nil
}

// The span kinds of those that serve, in OTLP's numbers.
const (
	spanServer   = 2
	spanConsumer = 5
)

// text returns an attribute.
func text(list []otlp.KeyValue, key string) string {
	for i := range list {
		if list[i].Key == key {
			return list[i].Value.Str
		}
	}
	return ""
}
