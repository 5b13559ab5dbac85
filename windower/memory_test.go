package windower

import (
	"math"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

func TestRise(t *testing.T) {
	state := func(at, start, value, count int64) *slice.ResourceState {
		return &slice.ResourceState{LastTime: at, LastStart: start, LastValue: value, LastCount: count}
	}
	const sliceStart = 100
	for name, c := range map[string]struct {
		now, last *slice.ResourceState
		want      delta
		ok        bool
	}{
		"first seen, began before":       {state(105, 50, 7, 3), nil, delta{}, false},
		"first seen, start unknown":      {state(105, 0, 7, 3), nil, delta{}, false},
		"first seen, began in the slice": {state(105, 101, 7, 3), nil, delta{1, 7, 3, 4}, true},
		"first seen, began at its end":   {state(105, 105, 7, 3), nil, delta{}, false},
		"grew":                           {state(105, 1, 9, 5), state(95, 1, 7, 3), delta{1, 2, 2, 10}, true},
		"stood still":                    {state(105, 1, 7, 3), state(95, 1, 7, 3), delta{1, 0, 0, 10}, true},
		"no newer point":                 {state(95, 1, 9, 5), state(95, 1, 7, 3), delta{}, false},
		"began anew":                     {state(105, 97, 9, 5), state(95, 1, 7, 3), delta{1, 9, 5, 8}, true},
		"fell, start unknown":            {state(105, 0, 4, 5), state(95, 0, 7, 3), delta{1, 4, 5, 10}, true},
		"count fell":                     {state(105, 0, 9, 1), state(95, 0, 7, 3), delta{1, 9, 1, 10}, true},
		"start jitters":                  {state(105, 2, 9, 5), state(95, 1, 7, 3), delta{1, 2, 2, 10}, true},
		"start appears":                  {state(105, 5, 9, 5), state(95, 0, 7, 3), delta{1, 2, 2, 10}, true},
	} {
		last := c.last
		if last == nil {
			last = &slice.ResourceState{}
		}
		if got, ok := rise(c.now, last, c.last != nil, sliceStart); got != c.want || ok != c.ok {
			t.Errorf("%s: %+v %t, want %+v %t", name, got, ok, c.want, c.ok)
		}
	}
}

// TestMemoryExpires: what wasn't seen for the span is not joined any more.
func TestMemoryExpires(t *testing.T) {
	for gap, want := range map[int64]bool{1: true, 3: true, 4: false} {
		m := newMemory(10, 3)
		m.join(5, &slice.Partial{
			Sightings: []slice.Sighting{{Key: "pod:1", Service: "cart"}},
			Resources: []slice.ResourcePart{{Keys: []string{"pod:1"}, Metric: uint8(ingest.MetricCPUTime), Cumulative: true, LastTime: 55, LastValue: 1}},
		})
		j := m.join(5+gap, &slice.Partial{Resources: []slice.ResourcePart{
			{Keys: []string{"pod:1"}, Metric: uint8(ingest.MetricCPUTime), Cumulative: true, LastTime: 55 + 10*gap, LastValue: 3},
		}})
		if _, joined := j.of["cart"]; joined != want || len(m.counters) != 1 {
			t.Errorf("after %d slices joined: %t, want %t", gap, joined, want)
		}
	}
}

// TestNodeSource: where load and mean come from, and what of it is missing in an
// incomplete slice.
func TestNodeSource(t *testing.T) {
	const missing = math.MaxFloat64
	histogram := &measured{requests: 40, durations: 40 * 3e6, histograms: 2}
	unknown := &measured{requests: 40, durations: 40 * 3e6, histograms: 1, unknown: 1}
	idle := &measured{histograms: 1}
	for name, c := range map[string]struct {
		source                           NodeSource
		metrics                          *measured
		complete                         bool
		requests, errors, arrivals, mean float64
	}{
		"spans":                       {PreferMetrics, nil, true, 10, 5, 9, 2},
		"histograms":                  {PreferMetrics, histogram, true, 40, 20, 40, 3},
		"one histogram unknown":       {PreferMetrics, unknown, true, 10, 5, 9, 2},
		"idle by histogram":           {PreferMetrics, idle, true, 0, 0, 0, missing},
		"spans only":                  {SpansOnly, histogram, true, 10, 5, 9, 2},
		"metrics only":                {MetricsOnly, histogram, true, 40, 20, 40, 3},
		"metrics only, without":       {MetricsOnly, nil, true, missing, missing, missing, missing},
		"metrics only, unknown":       {MetricsOnly, unknown, true, missing, missing, missing, missing},
		"incomplete spans":            {PreferMetrics, nil, false, missing, missing, missing, 2},
		"incomplete, with histograms": {PreferMetrics, histogram, false, 40, missing, 40, 3},
	} {
		node := slice.NodePart{Service: "a", Spans: 10, Requests: 10 * 256, Errors: 5 * 256, Arrivals: 9 * 256}
		node.Duration.AddProduct(20e6, 256)
		metrics := &joined{of: map[string]*measured{}}
		if c.metrics != nil {
			metrics.of["a"] = c.metrics
		}
		a := mustAssembler(t, AssemblerConfig{Graph: "g", Width: 10, SpanTopics: []string{"s"}, NodeSource: c.source})
		s := &slice.Snapshot{Width: 10, Revision: 1, Complete: c.complete}
		a.fill(s, &slice.Partial{Nodes: []slice.NodePart{node}}, metrics)
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		for column, v := range map[string]struct {
			c    *slice.Column
			want float64
		}{
			"requests": {&s.Nodes.Requests, c.requests}, "errors": {&s.Nodes.Errors, c.errors},
			"arrivals": {&s.Nodes.Arrivals, c.arrivals}, "mean": {&s.Nodes.Mean, c.mean},
		} {
			got, ok := v.c.At(0)
			if ok != (v.want != missing) || ok && got != v.want {
				t.Errorf("%s: %s is %g, valid %t, want %g", name, column, got, ok, v.want)
			}
		}
	}
}

// TestContainers: one value a container, means over containers, replicas.
func TestContainers(t *testing.T) {
	gauge := func(m ingest.Metric, value int64, keys ...string) slice.ResourcePart {
		p := slice.ResourcePart{Keys: keys, Metric: uint8(m), Points: 2}
		p.Total.AddProduct(2*value, 1e6)
		return p
	}
	m := newMemory(10, 3)
	usage := gauge(ingest.MetricCPUUsage, 3, "pod:2")
	seconds := slice.ResourcePart{Keys: []string{"pod:2"}, Metric: uint8(ingest.MetricCPUTime), Points: 1, Count: 0}
	seconds.Total.AddProduct(100, 1e6)
	named := gauge(ingest.MetricMemory, 8, "service:batch")
	named.Service = "batch"
	j := m.join(1, &slice.Partial{
		Sightings: []slice.Sighting{{Key: "pod:1", Service: "cart"}, {Key: "pod:2", Service: "cart"}},
		Resources: []slice.ResourcePart{
			gauge(ingest.MetricCPUUsage, 1, "pod:1/main", "pod:1"),
			gauge(ingest.MetricMemory, 10, "pod:1/main", "pod:1"),
			usage, seconds, // the gauge outranks the counter
			gauge(ingest.MetricCPUUsage, 9, "pod:3"), // nobody's
			named,                                    // of a service as a whole
		},
	})
	cart := *j.of["cart"]
	if want := (measured{cpu: 4, cpus: 2, memory: 10, memories: 1, containers: 2}); cart != want {
		t.Errorf("cart: %+v, want %+v", cart, want)
	}
	if batch := *j.of["batch"]; batch != (measured{memory: 8, memories: 1}) {
		t.Errorf("batch: %+v", batch)
	}
	if len(j.of) != 2 {
		t.Errorf("%d services, want 2", len(j.of))
	}
}
