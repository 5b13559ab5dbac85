package otlp

import (
	"slices"
	"strings"
)

// collector keeps copies of all it is shown.
type collector struct {
	traces  []ResourceSpans
	metrics []ResourceMetrics
	infos   []MetricInfo
}

func (c *collector) attributes(raw []byte) ([]KeyValue, error) {
	kvs, err := ResourceAttributes(raw, nil, Limits{})
	return cloneAttributes(kvs), err
}

func cloneAttributes(in []KeyValue) []KeyValue {
	var out []KeyValue
	for _, kv := range in {
		v := Value{Kind: kv.Value.Kind}
		switch v.Kind {
		case KindString:
			v.Str = strings.Clone(kv.Value.Str)
		case KindInt:
			v.Int = kv.Value.Int
		case KindDouble:
			v.Double = kv.Value.Double
		case KindBool:
			v.Bool = kv.Value.Bool
		}
		out = append(out, KeyValue{strings.Clone(kv.Key), v})
	}
	return out
}

type traceCollector struct{ *collector }

func (c traceCollector) Resource(raw []byte) error {
	kvs, err := c.attributes(raw)
	c.traces = append(c.traces, ResourceSpans{Resource: kvs})
	return err
}

func (c traceCollector) Span(s *Span) error {
	r := &c.traces[len(c.traces)-1]
	span := *s
	span.TraceState, span.Name = strings.Clone(s.TraceState), strings.Clone(s.Name)
	span.Attributes = cloneAttributes(s.Attributes)
	span.Links = append([]Link(nil), s.Links...)
	r.Spans = append(r.Spans, span)
	return nil
}

type metricsCollector struct{ *collector }

func (c metricsCollector) Resource(raw []byte) error {
	kvs, err := c.attributes(raw)
	c.metrics = append(c.metrics, ResourceMetrics{Resource: kvs})
	return err
}

func (c metricsCollector) Metric(m *MetricInfo) bool {
	r := &c.metrics[len(c.metrics)-1]
	r.Metrics = append(r.Metrics, Metric{
		Name: strings.Clone(m.Name), Unit: strings.Clone(m.Unit), Type: m.Type, Cumulative: m.Cumulative,
	})
	info := *m
	info.Scope = strings.Clone(m.Scope)
	c.infos = append(c.infos, info)
	return true
}

func (c metricsCollector) Point(p *Point) error {
	r := &c.metrics[len(c.metrics)-1]
	m := &r.Metrics[len(r.Metrics)-1]
	point := *p
	point.Attributes = cloneAttributes(p.Attributes)
	point.Bounds = append([]float64(nil), p.Bounds...)
	point.Buckets = append([]uint64(nil), p.Buckets...)
	m.Points = append(m.Points, point)
	return nil
}

func readTraces(b []byte) ([]ResourceSpans, error) {
	c := &collector{}
	err := NewTraceReader(Limits{}).Read(slices.Clone(b), traceCollector{c})
	return c.traces, err
}

func readMetrics(b []byte) ([]ResourceMetrics, error) {
	c := &collector{}
	err := NewMetricsReader(Limits{}).Read(slices.Clone(b), metricsCollector{c})
	return c.metrics, err
}
