package otlp

import "github.com/VictoriaMetrics/easyproto"

// MetricInfo is a metric without its points. A Counter that is not Monotonic may
// go down: its value is a level, like a gauge's.
type MetricInfo struct {
	Scope      string // name of the instrumentation scope
	Name, Unit string
	Type       MetricType
	Cumulative bool
	Monotonic  bool
}

// MetricsVisitor is shown what a metrics message holds. What it is given aliases
// the message and is overwritten by the next call: copy what is kept.
type MetricsVisitor interface {
	// Resource begins the metrics of one resource; raw is for ResourceAttributes.
	Resource(raw []byte) error
	// Metric begins a metric of that resource, and says whether its points are wanted.
	Metric(m *MetricInfo) bool
	// Point shows one point of that metric.
	Point(p *Point) error
}

// MetricsReader decodes metrics messages. It keeps its buffers between messages
// and is for one goroutine.
type MetricsReader struct {
	limits Limits
	info   MetricInfo
	point  Point
	points int
}

// NewMetricsReader makes a reader with the given limits.
func NewMetricsReader(limits Limits) *MetricsReader {
	return &MetricsReader{limits: limits.withDefaults()}
}

// Read decodes a message and shows it to v, resource by resource, metric by metric.
// It stops at the first error, v's included.
func (r *MetricsReader) Read(src []byte, v MetricsVisitor) error {
	if err := r.limits.check(src); err != nil {
		return err
	}
	r.points = 0
	return eachMessage(src, 1, "metrics", func(resource []byte) error {
		raw, err := findResource(resource)
		if err != nil {
			return err
		}
		if err = v.Resource(raw); err != nil {
			return err
		}
		return eachMessage(resource, 2, "resource metrics", func(scope []byte) error {
			return r.scope(scope, v)
		})
	})
}

func (r *MetricsReader) scope(src []byte, v MetricsVisitor) error {
	name := ""
	err := eachMessage(src, 1, "scope", func(m []byte) (err error) {
		name, _, err = easyproto.GetString(m, 1)
		if err != nil {
			return broken("scope", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachMessage(src, 2, "scope metrics", func(metric []byte) error {
		r.info = MetricInfo{Scope: name}
		return r.metric(metric, v)
	})
}

// metric reads the name and unit first, since they may come after the points.
func (r *MetricsReader) metric(src []byte, v MetricsVisitor) (err error) {
	var data []byte
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("metric", err)
		}
		ok := true
		switch fc.FieldNum {
		case 1:
			r.info.Name, ok = fc.String()
		case 3:
			r.info.Unit, ok = fc.String()
		case fieldGauge, fieldSum, fieldHistogram, fieldExponential, fieldSummary:
			r.info.Type = typeOf(fc.FieldNum)
			data, ok = fc.MessageData()
		}
		if !ok {
			return malformed("metric", fc.FieldNum)
		}
	}
	if data == nil || r.info.Type == SummaryType {
		return nil
	}
	if err = r.aggregation(data); err != nil {
		return err
	}
	if !v.Metric(&r.info) {
		return nil
	}
	return eachMessage(data, 1, "metric data", func(point []byte) error {
		if r.points++; r.points > r.limits.Items {
			return tooMany("data points", r.limits.Items)
		}
		if err := r.readPoint(point); err != nil {
			return err
		}
		return v.Point(&r.point)
	})
}

func typeOf(field uint32) MetricType {
	switch field {
	case fieldSum:
		return Counter
	case fieldHistogram:
		return HistogramType
	case fieldExponential:
		return ExponentialType
	case fieldSummary:
		return SummaryType
	}
	return Gauge
}

// aggregation reads temporality and monotonicity, which may come after the points.
func (r *MetricsReader) aggregation(src []byte) (err error) {
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("metric data", err)
		}
		switch fc.FieldNum {
		case 2:
			temporality, ok := fc.Uint64()
			if !ok {
				return malformed("metric data", 2)
			}
			r.info.Cumulative = temporality == temporalityCumulative
		case 3:
			monotonic, ok := fc.Uint64()
			if !ok {
				return malformed("metric data", 3)
			}
			r.info.Monotonic = monotonic != 0
		}
	}
	return nil
}
