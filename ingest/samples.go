package ingest

import (
	"math"

	"presage/ingest/otlp"
)

// sampleVisitor fills a batch with the samples of a message, in two steps: all
// points that are understood, then, when the whole record is known, the best metric of
// each class and container, with points that differ in attributes only added up.
type sampleVisitor struct {
	resources *resources
	batch     *Batch
	resource  *resource
	reading   reading
	found     []found
	best      map[choice]uint8
	at        map[point]int
}

// found is a sample with what the choice needs.
type found struct {
	Sample
	resource *resource
	class    class
	rank     uint8
}

// choice is what one metric is chosen for: a class of a container; for a whole pod
// (containers set) it says that containers of the pod are measured.
type choice struct {
	key        string
	class      class
	containers bool
}

// point is what samples are added up in.
type point struct {
	key    string
	metric Metric
	time   int64
}

func newSampleVisitor(r *resources, b *Batch) sampleVisitor {
	return sampleVisitor{resources: r, batch: b, best: make(map[choice]uint8), at: make(map[point]int)}
}

func (v *sampleVisitor) read(r *otlp.MetricsReader, value []byte) error {
	v.found = v.found[:0]
	if err := r.Read(value, v); err != nil {
		return err
	}
	v.finish()
	return nil
}

// Resource implements otlp.MetricsVisitor.
func (v *sampleVisitor) Resource(raw []byte) (err error) {
	v.resource, err = v.resources.get(raw)
	return err
}

// Metric implements otlp.MetricsVisitor.
func (v *sampleVisitor) Metric(m *otlp.MetricInfo) (wanted bool) {
	v.reading, wanted = readingOf(m)
	if !wanted {
		v.batch.Lost[LossMetric]++
	}
	return wanted
}

// Point implements otlp.MetricsVisitor.
func (v *sampleVisitor) Point(p *otlp.Point) error {
	if len(v.resource.keys) == 0 {
		v.batch.Lost[LossNoResource]++
		return nil
	}
	s := Sample{
		Metric: v.reading.metric, Cumulative: v.reading.cumulative, Service: v.resource.service,
		Keys: v.resource.keys, Start: p.Start, Time: p.Time,
	}
	loss, ok := v.measure(&s, p)
	if !ok {
		v.batch.Lost[loss]++
		return nil
	}
	v.found = append(v.found, found{s, v.resource, v.reading.class, v.reading.rank})
	return nil
}

// measure sets what the point measured.
func (v *sampleVisitor) measure(s *Sample, p *otlp.Point) (Loss, bool) {
	if p.NoValue || (s.Metric == MetricServerDuration && p.NoSum) {
		return LossNoValue, false
	}
	var ok bool
	switch {
	case s.Metric == MetricServerDuration:
		s.Keys = v.resource.family("#http")
		if v.reading.class == classRPC {
			s.Keys = v.resource.family("#rpc")
		}
		s.Count = int64(p.Count)
		s.Sum, ok = fixed(p.Sum*v.reading.scale, 1e9)
		ok = ok && p.Count < 1<<40
	case v.reading.rate:
		if ok = p.Start > 0 && p.Time > p.Start; ok {
			s.Value, ok = fixed(p.Value*v.reading.scale/(float64(p.Time-p.Start)*1e-9), 1e6)
		}
	default:
		s.Value, ok = fixed(p.Value*v.reading.scale, 1e6)
	}
	return LossValue, ok
}

// fixed turns a value into fixed point, where it is a number, not negative and in
// the range.
func fixed(v, scale float64) (int64, bool) {
	v = math.Round(v * scale)
	return int64(v), v >= 0 && v <= 1<<62
}

// finish chooses and adds up.
func (v *sampleVisitor) finish() {
	clear(v.best)
	clear(v.at)
	for i := range v.found {
		f := &v.found[i]
		c := choice{key: f.Keys[0], class: f.class}
		if rank, ok := v.best[c]; !ok || f.rank < rank {
			v.best[c] = f.rank
		}
		if f.resource.inPod {
			v.best[choice{f.resource.pod, f.class, true}] = 0
		}
	}
	for i := range v.found {
		f := &v.found[i]
		ofContainers := false
		if f.resource.pod != "" && !f.resource.inPod {
			_, ofContainers = v.best[choice{f.resource.pod, f.class, true}]
		}
		if ofContainers || f.rank != v.best[choice{key: f.Keys[0], class: f.class}] {
			v.batch.Lost[LossOutranked]++
			continue
		}
		v.add(&f.Sample)
	}
}

// add appends a sample, or adds it to the one of the same container and time:
// points of one metric differ in attributes such as cpu.mode or http.route.
func (v *sampleVisitor) add(s *Sample) {
	p := point{s.Keys[0], s.Metric, s.Time}
	i, ok := v.at[p]
	if !ok {
		v.at[p] = len(v.batch.Samples)
		v.batch.Samples = append(v.batch.Samples, *s)
		return
	}
	sum := &v.batch.Samples[i]
	if s.Cumulative != sum.Cumulative {
		v.batch.Lost[LossOutranked]++
		return
	}
	value, count, total := sum.Value+s.Value, sum.Count+s.Count, sum.Sum+s.Sum
	if value < 0 || count < 0 || total < 0 { // each is below 2^62: an overflow is negative
		v.batch.Lost[LossValue]++
		return
	}
	sum.Value, sum.Count, sum.Sum = value, count, total
	sum.Start = min(sum.Start, s.Start)
}
