package generated

import (
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/replay"
)

// attribute returns an attribute's string value.
func attribute(list []otlp.KeyValue, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Value.Str
		}
	}
	return ""
}

// quiet are options of a run whose clocks and wires are perfect.
func quiet(seed uint64, length time.Duration) Options {
	return Options{Seed: seed, Duration: length, ClockSkew: -1, LateShare: -1}
}

func TestParentsExistAndEnclose(t *testing.T) {
	byID := map[spanID]*replay.Span{}
	var spans []*replay.Span
	items(t, quiet(4, 10*time.Minute), func(i replay.Item) {
		if i.Span != nil {
			if byID[i.Span.SpanID] != nil {
				t.Fatal("a span id comes twice")
			}
			byID[i.Span.SpanID] = i.Span
			spans = append(spans, i.Span)
		}
	})
	kinds, roots, late := map[uint8]int{}, 0, 0
	for _, s := range spans {
		kinds[s.Kind]++
		if s.End < s.Start {
			t.Fatalf("%s ends before it starts", s.Name)
		}
		if s.ParentID == (spanID{}) {
			roots++
			if s.Kind != spanServer {
				t.Fatalf("root span %s has kind %d", s.Name, s.Kind)
			}
			continue
		}
		p := byID[s.ParentID]
		if p == nil {
			t.Fatalf("%s has no parent", s.Name)
		}
		if p.TraceID != s.TraceID {
			t.Fatalf("%s has a parent of another trace", s.Name)
		}
		if !legal(p.Kind, s.Kind) {
			t.Fatalf("kind %d below kind %d", s.Kind, p.Kind)
		}
		if s.Start < p.Start {
			t.Fatalf("%s starts before its parent", s.Name)
		}
		switch {
		case s.Kind == spanConsumer:
		case s.End > p.End && attribute(p.Attributes, "error.type") != "timeout" && !isDeadline(p):
			t.Fatalf("%s (%d) ends %v after its parent %s", s.Name, s.Kind, time.Duration(s.End-p.End), p.Name)
		case s.End > p.End:
			late++
		}
	}
	if roots == 0 || kinds[spanClient] == 0 || kinds[spanServer] == 0 {
		t.Errorf("%d roots, kinds %v", roots, kinds)
	}
	t.Logf("%d spans, kinds %v, %d roots, %d outlive their callers", len(spans), kinds, roots, late)
}

// isDeadline reports whether an rpc client span ended by time-out.
func isDeadline(s *replay.Span) bool {
	for _, a := range s.Attributes {
		if a.Key == "rpc.grpc.status_code" && a.Value.Int == 4 {
			return true
		}
	}
	return false
}

// legal reports whether a span of a kind may have a parent of another.
func legal(parent, child uint8) bool {
	switch child {
	case spanServer:
		return parent == spanClient
	case spanConsumer:
		return parent == spanProducer
	default:
		return parent == spanServer || parent == spanConsumer
	}
}

func TestResourcesNameWhatKubernetesDoes(t *testing.T) {
	spanPods, metricPods := map[string]bool{}, map[string]bool{}
	items(t, Options{Seed: 4, Duration: 5 * time.Minute}, func(i replay.Item) {
		if i.Metrics != nil {
			if attribute(i.Metrics.Resource, "service.name") != "" {
				t.Fatal("container metrics name a service")
			}
			metricPods[attribute(i.Metrics.Resource, "k8s.pod.uid")] = true
			for _, m := range i.Metrics.Metrics {
				if m.Points[0].Value < 0 || m.Points[0].Time != i.At {
					t.Fatalf("%s %+v at %d", m.Name, m.Points[0], i.At)
				}
			}
			return
		}
		r := i.Span.Resource
		for _, key := range []string{"service.name", "service.instance.id", "k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.container.name", "container.id"} {
			if attribute(r, key) == "" {
				t.Fatalf("a span's resource lacks %s", key)
			}
		}
		spanPods[attribute(r, "k8s.pod.uid")] = true
	})
	for uid := range spanPods {
		if !metricPods[uid] {
			t.Errorf("pod %s has spans and no metrics", uid)
		}
	}
}

func TestStoresReportNothingAndAreNamed(t *testing.T) {
	g := items(t, Options{Seed: 4, Duration: 2 * time.Minute}, func(i replay.Item) {
		if i.Span == nil || attribute(i.Span.Attributes, "db.system.name") == "" {
			return
		}
		if i.Span.Kind != spanClient || attribute(i.Span.Attributes, "service.peer.name") == "" {
			t.Fatalf("store call %+v", i.Span)
		}
	})
	if g.Describe() == "" {
		t.Error("no description")
	}
}

// TestTracesAgreeWithTheQueues compares the mean of drawn server times with the
// response time that the tick's queues imply.
func TestTracesAgreeWithTheQueues(t *testing.T) {
	opt, err := Options{Seed: 9, Incidents: -1, Deployments: -1}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	drawn, calls := make([]float64, len(g.w.services)), make([]float64, len(g.w.services))
	implied, weight := make([]float64, len(g.w.services)), make([]float64, len(g.w.services))
	for range 1800 {
		if _, err := g.step(func(_ int, list []call) {
			for _, c := range list {
				if c.served {
					drawn[c.node.service] += float64(c.done-c.begun) / 1e9
					calls[c.node.service]++
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		for i, c := range g.tick.Services {
			implied[i] += c.Response * c.Arrivals
			weight[i] += c.Arrivals
		}
	}
	for i := range g.w.services {
		if calls[i] < 3000 {
			continue
		}
		a, b := drawn[i]/calls[i], implied[i]/weight[i]
		if a/b > 1.25 || b/a > 1.25 {
			t.Errorf("%s: traces take %.1f ms, queues imply %.1f ms", g.w.services[i].name, a*1e3, b*1e3)
		}
		if r := calls[i] / weight[i]; r > 1.1 || r < 0.9 {
			t.Errorf("%s: %.0f calls drawn, %.0f expected", g.w.services[i].name, calls[i], weight[i])
		}
	}
}
