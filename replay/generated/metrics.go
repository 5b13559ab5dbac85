package generated

import (
	"time"

	"presage/ingest/otlp"
	"presage/replay"
)

// sample hands out the container metrics that are due at the end of a tick, as the
// Collector's kubeletstats receiver sends them: cores in use since the last
// sample, and the working set. The resource names the container, not the service. Points get lost,
// more of them where a host is crowded.
func (e *emitter) sample(s *State, t *Tick, r *Rand, out func(replay.Item)) {
	every := int64(e.w.opt.MetricsEvery / e.w.opt.Tick)
	if e.w.opt.MetricsEvery < 0 {
		return
	}
	every = max(1, every)
	end := t.Start + int64(e.w.opt.Tick)
	for i := range e.w.services {
		if e.w.services[i].kind != kindApp {
			continue
		}
		list := s.Services[i].Replicas
		for k := range list {
			rep := &list[k]
			if (t.Index+int64(rep.ID)*7)%every != 0 || rep.Since <= 0 {
				continue
			}
			cpu := rep.CPU / rep.Since
			rep.CPU, rep.Since = 0, 0
			lost := max(0, e.w.opt.MissingMetrics) + float64(0.25*max(0, t.Services[i].Busy-0.85))
			if r.chance(lost) || rep.Ready > s.Tick {
				continue
			}
			at := end - int64(r.unit()*float64(50*time.Millisecond))
			out(replay.Item{At: at, Metrics: &otlp.ResourceMetrics{Resource: e.pod(s, i, k).container, Metrics: []otlp.Metric{
				{Name: "container.cpu.usage", Unit: "{cpu}", Points: []otlp.Point{{Time: at, Value: cpu}}},
				{Name: "container.memory.working_set", Unit: "By", Points: []otlp.Point{{Time: at, Value: e.w.workingSet(i, rep, &t.Services[i])}}},
			}}})
		}
	}
}

// workingSet returns a replica's memory in bytes: what it needs idle, its calls in flight, the
// heap since the last collection, and what leaked.
func (w *world) workingSet(i int, rep *Replica, c *Condition) float64 {
	svc := &w.services[i]
	flight := min(c.Arrivals/w.opt.Tick.Seconds()*c.Response, 1000) / float64(max(1, svc.replicas))
	bytes := float64(svc.memory*(1+float64(0.25*rep.Heap)-float64(0.2*rep.Cold))) + float64(flight*200e3) + rep.Leak
	return float64(int64(bytes/4096)) * 4096
}
