package windower

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"presage/ingest"
	"presage/windower/slice"
)

// memory is what the assembler keeps of earlier slices to join metrics with
// services and to make rates of counters. Every entry stands in the snapshot of the
// slice in which it was seen last, so that the snapshots of the last span slices
// hold all of it.
type memory struct {
	width    int64
	span     int64 // slices
	services map[string]owner
	counters map[counterKey]counter
}

// owner says which service a resource key belongs to.
type owner struct {
	service string
	slice   int64 // in which it was seen last
}

type counterKey struct {
	key    string
	metric ingest.Metric
}

// counter is the last point of a cumulative series.
type counter struct {
	slice.ResourceState
	slice int64
}

func newMemory(width, span int64) memory {
	return memory{width, span, map[string]owner{}, map[counterKey]counter{}}
}

// forget drops what wasn't seen in the span slices before k.
func (m *memory) forget(k int64) {
	maps.DeleteFunc(m.services, func(_ string, o owner) bool { return o.slice < k-m.span })
	maps.DeleteFunc(m.counters, func(_ counterKey, c counter) bool { return c.slice < k-m.span })
}

// restore takes back what a snapshot holds; newer slices outrank older ones.
func (m *memory) restore(s *slice.Snapshot) {
	for _, r := range s.Resources {
		if r.LastTime == 0 {
			if old, ok := m.services[r.Key]; !ok || s.Index > old.slice {
				m.services[r.Key] = owner{r.Service, s.Index}
			}
			continue
		}
		k := counterKey{r.Key, ingest.Metric(r.Metric)}
		if old, ok := m.counters[k]; !ok || s.Index > old.slice {
			m.counters[k] = counter{r, s.Index}
		}
	}
}

// joined is what the metrics of one slice tell of its services.
type joined struct {
	of     map[string]*measured
	states []slice.ResourceState // to travel in the snapshot
}

// measured is one service's metrics, summed over its containers.
type measured struct {
	cpu, cpus           float64
	memory, memories    float64
	containers          float64
	requests, durations float64 // by histograms: calls in the slice, and their nanoseconds
	histograms          int     // that told the slice's calls
	unknown             int     // that have no earlier point to be compared with
}

// join remembers the sightings and counters of slice k and gives what its
// metrics tell. Resources come sorted, so that the sums don't depend on maps.
func (m *memory) join(k int64, p *slice.Partial) *joined {
	m.forget(k)
	j := &joined{of: map[string]*measured{}}
	for _, s := range p.Sightings {
		m.services[s.Key] = owner{s.Service, k}
		j.states = append(j.states, slice.ResourceState{Key: s.Key, Service: s.Service})
	}
	for from := 0; from < len(p.Resources); {
		to := from + 1
		for to < len(p.Resources) && p.Resources[to].Key() == p.Resources[from].Key() {
			to++
		}
		m.container(k, p.Resources[from:to], j)
		from = to
	}
	slices.SortFunc(j.states, func(a, b slice.ResourceState) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(min(a.LastTime, 1), min(b.LastTime, 1)), cmp.Compare(a.Metric, b.Metric))
	})
	return j
}

// container joins the metrics of one container, or of a service as a whole. Its
// rows are sorted by metric.
func (m *memory) container(k int64, rows []slice.ResourcePart, j *joined) {
	service := m.service(rows)
	var of *measured
	if service != "" {
		if of = j.of[service]; of == nil {
			of = &measured{}
			j.of[service] = of
		}
	} else {
		of = &measured{} // nobody's; the counters are remembered all the same
	}
	var cpu, memory, counted bool
	for i := range rows {
		r := &rows[i]
		d, ok := m.delta(k, r, j)
		switch ingest.Metric(r.Metric) {
		case ingest.MetricCPUUsage:
			counted = true
			if ok && d.points > 0 {
				of.cpu, of.cpus, cpu = of.cpu+d.value/1e6/d.points, of.cpus+1, true
			}
		case ingest.MetricCPUTime: // comes after MetricCPUUsage, which outranks it
			counted = true
			if ok && !cpu {
				of.cpu, of.cpus = of.cpu+d.value*1e3/d.elapsed, of.cpus+1
			}
		case ingest.MetricMemory:
			counted = true
			if ok && d.points > 0 && !memory {
				of.memory, of.memories, memory = of.memory+d.value/1e6/d.points, of.memories+1, true
			}
		case ingest.MetricServerDuration:
			if !ok {
				of.unknown++
				continue
			}
			// As many slices' worth of calls as lie between the points.
			share := float64(m.width) / d.elapsed
			of.requests += d.count * share
			of.durations += d.value * share
			of.histograms++
		}
	}
	if counted && !strings.HasPrefix(rows[0].Key(), serviceKey("")) {
		of.containers++
	}
}

// service finds whose the rows are: by the name they carry, else by the first of
// their keys that a span had.
func (m *memory) service(rows []slice.ResourcePart) string {
	keys := rows[0].Keys
	for i := range rows {
		if rows[i].Service != "" {
			return rows[i].Service
		}
		if len(rows[i].Keys) > len(keys) {
			keys = rows[i].Keys
		}
	}
	for _, k := range keys {
		if o, ok := m.services[k]; ok {
			return o.service
		}
	}
	return ""
}

// delta is what a series added in a slice.
type delta struct {
	points  float64 // of a gauge: how many values value sums up
	value   float64 // millionths, or nanoseconds of a histogram
	count   float64
	elapsed float64 // nanoseconds in which that was added
}

// delta gives what row r added; ok is false where nothing is there to compare
// with. It remembers the last point of a cumulative series.
func (m *memory) delta(k int64, r *slice.ResourcePart, j *joined) (d delta, ok bool) {
	if !r.Cumulative {
		return delta{float64(r.Points), r.Total.Float(), float64(r.Count), float64(m.width)}, true
	}
	key := counterKey{r.Key(), ingest.Metric(r.Metric)}
	now := slice.ResourceState{
		Key: key.key, Service: r.Service, Metric: r.Metric,
		LastTime: r.LastTime, LastStart: r.LastStart, LastValue: r.LastValue, LastCount: r.LastCount,
	}
	last, known := m.counters[key]
	if known && now.LastTime <= last.LastTime {
		now = last.ResourceState // a point that came late is no step back
	} else {
		d, ok = rise(&now, &last.ResourceState, known, k*m.width)
	}
	m.counters[key] = counter{now, k}
	j.states = append(j.states, now)
	return d, ok
}

// rise is what a cumulative series added since its last point. A counter that
// began anew since, or fell, added its whole value; so did one never seen before if
// it began in this slice.
func rise(now, last *slice.ResourceState, known bool, sliceStart int64) (d delta, ok bool) {
	value, count, since := now.LastValue, now.LastCount, now.LastStart
	switch {
	case !known:
		if now.LastStart <= 0 || now.LastStart < sliceStart {
			return delta{}, false
		}
	case now.LastStart > last.LastTime:
	case value < last.LastValue || count < last.LastCount:
		since = last.LastTime
	default:
		value, count, since = value-last.LastValue, count-last.LastCount, last.LastTime
	}
	if now.LastTime <= since {
		return delta{}, false
	}
	return delta{1, float64(value), float64(count), float64(now.LastTime - since)}, true
}
