package stgnn

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model"
	"presage/model/tensor/pool"
)

// TestForecastAllocatesNothing while services stay the same, also when each slice has a graph of its own.
func TestForecastAllocatesNothing(t *testing.T) {
	workers := pool.New(2)
	defer workers.Close()
	for _, graphs := range []bool{false, true} {
		c := newCity(600, 18) // more than go through the network at a time
		if graphs {
			for _, s := range c.steps {
				s.Graph = cityGraph(len(s.Services), rand.New(rand.NewPCG(3, uint64(len(s.Graph.Col)))))
			}
		}
		lane := workers.Urgent()
		if graphs {
			lane = nil
		}
		f := c.forecaster(t, lane)
		forecast := func() {
			if _, err := f.Forecast(c.slide()); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 * c.task.Input {
			forecast()
		}
		if n := testing.AllocsPerRun(20, forecast); n != 0 {
			t.Errorf("a graph each: %v: %v allocations a forecast", graphs, n)
		}
	}
}

// TestPaperForecastAllocatesNothing while services and graph stay the same.
func TestPaperForecastAllocatesNothing(t *testing.T) {
	c := newCity(40, 200)
	f, err := New(c.task, Config{Mode: ModePaper, Hidden: 16, Epochs: 1, Budget: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Fit(context.Background(), c.steps, nil, model.FitOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	forecast := func() {
		if _, err := f.Forecast(c.slide()); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 * c.task.Input {
		forecast()
	}
	if n := testing.AllocsPerRun(20, forecast); n != 0 {
		t.Errorf("%v allocations a forecast", n)
	}
}

// TestConvolutionsAreShared: the adjacency is normalised once a graph, and windows of a batch that overlap
// bring each slice once.
func TestConvolutionsAreShared(t *testing.T) {
	c := newCity(20, 60)
	l := newPaperLearned(newBasis(Config{Mode: ModePaper, Hidden: 8}.withDefaults(), c.task, c.steps), zeroRand())
	d := l.newData(c.steps, l.newFeatures)
	for k, f := range d.features {
		if f.norm != d.features[0].norm {
			t.Fatalf("slice %d has an adjacency of its own, though all share a graph", k)
		}
	}
	var r rows
	r.add(&l.basis, d, d.origins[0])
	r.add(&l.basis, d, d.origins[1])
	var b batchRows
	if got, want := b.collect(c.task.Input, r.view, r.service), 20*(c.task.Input+1); got != want || len(b.todo) != c.task.Input+1 {
		t.Errorf("%d slices with %d rows for two windows one slice apart, expected %d with %d", len(b.todo), got, c.task.Input+1, want)
	}
}

// TestGraphIsPreparedOnce for all slices that share it.
func TestGraphIsPreparedOnce(t *testing.T) {
	c := newCity(20, 40)
	f := c.forecaster(t, nil).(*forecaster)
	m := newMaker(f.learned, nil)
	known := f.learned.scale.rows(c.steps[0].Services)
	other := cityGraph(20, rand.New(rand.NewPCG(1, 1)))
	for k, want := range []int{1, 1, 2, 2, 3} {
		s := *c.steps[k]
		if k == 2 || k == 3 {
			s.Graph = other
		}
		m.features(&s, known, nil)
		if m.graph.made != want {
			t.Errorf("slice %d: %d graphs prepared, expected %d", k, m.graph.made, want)
		}
	}
}

// comeAndGo takes every seventh service out of every third slice.
func comeAndGo(steps []*model.Step) []*model.Step {
	var out []*model.Step
	for k, s := range steps {
		if k%3 != 0 {
			out = append(out, s)
			continue
		}
		f := s.Channels()
		some := &model.Step{At: s.At, Width: s.Width, Graph: &model.Graph{RowPtr: []int32{0}}}
		for i, name := range s.Services {
			if i%7 == 0 {
				continue
			}
			some.Services = append(some.Services, name)
			some.Values = append(some.Values, s.Values[i*f:(i+1)*f]...)
			some.Mask = append(some.Mask, s.Mask[i*f:(i+1)*f]...)
			some.Graph.RowPtr = append(some.Graph.RowPtr, 0)
		}
		out = append(out, some)
	}
	return out
}

// TestBatchesAllocateNothing, also where services come and go.
func TestBatchesAllocateNothing(t *testing.T) {
	c := newCity(50, 60)
	for _, steps := range [][]*model.Step{c.steps, comeAndGo(c.steps)} {
		l := c.forecaster(t, nil).(*forecaster).learned
		d := l.newData(steps, newMaker(l, nil).features)
		p := &problem{l: l, train: d, assemble: newAssembler(l)}
		k := 0
		batch := func() {
			p.rows.reset()
			for range 4 {
				p.rows.add(&l.basis, d, d.origins[k%len(d.origins)])
				k++
			}
			p.assemble.fill(&p.batch, p.rows.view, p.rows.service)
		}
		for range len(d.origins) {
			batch()
		}
		if n := testing.AllocsPerRun(20, batch); n != 0 {
			t.Errorf("%v allocations a batch", n)
		}
	}
}

// TestRowsMayBeSplit assembles the rows of a batch in parts with scratch of their own.
func TestRowsMayBeSplit(t *testing.T) {
	c := newCity(70, 60)
	steps := comeAndGo(c.steps)
	f := c.forecaster(t, nil).(*forecaster)
	l := f.learned
	d := l.newData(steps, newMaker(l, nil).features)
	a := newAssembler(l)
	v := d.view(&l.basis, new(views), 40)
	services := make([]int, len(v.last().services))
	for i := range services {
		services[i] = i
	}
	var whole, parts batch[float32]
	a.one(&whole, &v, services)
	a.size(&parts, len(services))
	p := a.pane(&v)
	for _, cut := range [][2]int{{33, len(services)}, {0, 5}, {5, 33}} {
		a.assemble(&parts, &p, services, cut[0], cut[1], newDesk(a.input))
	}
	if !slices.Equal(whole.x, parts.x) || !slices.Equal(whole.base, parts.base) || !slices.Equal(whole.unit, parts.unit) ||
		!slices.Equal(whole.trust, parts.trust) || !slices.Equal(whole.name, parts.name) || !slices.Equal(whole.slot, parts.slot) {
		t.Error("a batch made in parts differs from the whole one")
	}
}

// TestServicesGoThroughInParts forecasts some services more than fit into one part: each as alone.
func TestServicesGoThroughInParts(t *testing.T) {
	c := newCity(forecastRows+100, 18)
	f := c.forecaster(t, nil).(*forecaster)
	for range c.task.Input - 1 {
		c.slide()
	}
	p, err := f.Forecast(c.slide())
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Clone(p.Values)
	s := f.live
	v := s.views.window(f.ring.out, c.window[len(c.window)-1].At, nil)
	s.part(&s.workers[0], &v, s.rows[forecastRows-50:forecastRows+50])
	for i, g := range got {
		if w := s.values[i]; g != w && !(g-w < 1e-5*w && w-g < 1e-5*w) {
			t.Fatalf("value %d: %v in one part and %v in another", i, g, w)
		}
	}
}
