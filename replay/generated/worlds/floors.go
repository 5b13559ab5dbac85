package worlds

import (
	"context"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"

	"presage/replay/generated"
)

// origins returns the slices at whose end the continuations begin: the last slice
// that a forecast would know.
func (w *World) origins() []int {
	first := int(float64(w.Slices) * (1 - TestShare))
	span := w.Slices - w.Floors.Horizons - first
	if w.Floors.Origins <= 0 || span <= 0 {
		return nil
	}
	var list []int
	for i := range w.Floors.Origins {
		if o := first + i*span/w.Floors.Origins; len(list) == 0 || o > list[len(list)-1] {
			list = append(list, o)
		}
	}
	return list
}

// futures measures floor F1: it continues the simulation from copies of its state. Each
// continuation's randomness follows from the origin's and its own number alone.
type futures struct {
	w       *World
	l       *layout
	origins []int
	results []future // by origin
	next    int
	group   *errgroup.Group
	ctx     context.Context
	tell    func(slices int) // progress, from any goroutine
}

// future is what came out at one origin: quantiles by horizon and row, ms.
type future struct{ low, median, high []float32 }

// newFutures prepares workers goroutines, which wait frees.
func newFutures(ctx context.Context, w *World, l *layout, workers int, tell func(int)) *futures {
	f := &futures{w: w, l: l, origins: w.origins(), tell: tell}
	f.results = make([]future, len(f.origins))
	f.group, f.ctx = errgroup.WithContext(ctx)
	f.group.SetLimit(max(1, workers))
	return f
}

// after is called when a slice is over; it blocks while all workers are busy.
func (f *futures) after(slice int, s *generated.Slicer) {
	if f.next == len(f.origins) || f.origins[f.next] != slice || f.ctx.Err() != nil {
		return
	}
	k, base := f.next, s.Fork(nil)
	f.next++
	f.group.Go(func() error { return f.measure(k, base) })
}

// wait returns when all continuations are over.
func (f *futures) wait() error { return f.group.Wait() }

// measure runs the continuations of origin k.
func (f *futures) measure(k int, base *generated.Slicer) error {
	rows, horizons, n := len(f.l.rows), f.w.Floors.Horizons, f.w.Floors.Continuations
	drawn := make([]float32, horizons*rows*n)
	var seen generated.Observation
	for c := range n {
		if err := f.ctx.Err(); err != nil {
			return err
		}
		stream := streamFuture + 2*uint64(k*n+c)
		steps, look := generated.NewRand(f.w.Seed, stream), generated.NewRand(f.w.Seed, stream+1)
		s := base.Fork(&steps)
		for h := range horizons {
			s.Run(f.w.ticks())
			s.Observe(&look, f.w.Sampling, f.w.Lost, &seen)
			for i, node := range f.l.rows {
				drawn[(h*rows+i)*n+c] = float32(seen.Services[f.l.nodeFrom[node]].Ms)
			}
		}
		f.tell(horizons)
	}
	r := future{make([]float32, horizons*rows), make([]float32, horizons*rows), make([]float32, horizons*rows)}
	for i := range r.median {
		values := slices.DeleteFunc(drawn[i*n:(i+1)*n], func(v float32) bool { return v != v })
		slices.Sort(values)
		r.low[i], r.median[i], r.high[i] = quantile(values, 0.05), quantile(values, 0.5), quantile(values, 0.95)
	}
	f.results[k] = r
	return nil
}

// quantile interpolates in sorted values so that another value drawn like them lies below with
// probability q. It is NaN of none.
func quantile(sorted []float32, q float64) float32 {
	if len(sorted) == 0 {
		return float32(math.NaN())
	}
	at := min(max(float64(q*float64(len(sorted)+1))-1, 0), float64(len(sorted)-1))
	k := int(at)
	if k+1 == len(sorted) {
		return sorted[k]
	}
	return rounded(float64(sorted[k]) + float64((at-float64(k))*float64(sorted[k+1]-sorted[k])))
}

// write writes the results.
func (f *futures) write(dir string) (err error) {
	t, err := createTable(dir, fileFuture, futureFields)
	if err != nil {
		return err
	}
	defer t.abandonOn(&err)
	var origin, horizon, service []int32
	var low, median, high []float32
	for k, r := range f.results {
		for h := range f.w.Floors.Horizons {
			for _, node := range f.l.rows {
				origin, horizon, service = append(origin, int32(f.origins[k])), append(horizon, int32(h+1)), append(service, node)
			}
		}
		low, median, high = append(low, r.low...), append(median, r.median...), append(high, r.high...)
	}
	if err := t.write(origin, horizon, service, low, median, high); err != nil {
		return err
	}
	return t.close()
}
