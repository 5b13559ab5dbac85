package otlp

// The types here are what writers (replay) hand to AppendTraces and
// AppendMetrics, and what TraceReader and MetricsReader show their visitors.

// ValueKind says which field of a Value is set.
type ValueKind uint8

// The kinds of attribute value.
const (
	KindString ValueKind = iota
	KindInt
	KindDouble
	KindBool
	KindOther // read only: bytes, an array, a map or nothing; its content is not decoded
)

// Value is an attribute's value.
type Value struct {
	Kind   ValueKind
	Str    string
	Int    int64
	Double float64
	Bool   bool
}

// KeyValue is an attribute.
type KeyValue struct {
	Key   string
	Value Value
}

// String makes a string attribute.
func String(key, value string) KeyValue {
	return KeyValue{key, Value{Kind: KindString, Str: value}}
}

// Int makes an integer attribute.
func Int(key string, value int64) KeyValue {
	return KeyValue{key, Value{Kind: KindInt, Int: value}}
}

// Link points from a span to another one.
type Link struct {
	TraceID [16]byte
	SpanID  [8]byte
}

// Span is a span to be written or one that was read. Kind has OTLP's numbers (2
// server, 3 client, 4 producer, 5 consumer, 1 internal); times are Unix nanoseconds.
type Span struct {
	TraceID    [16]byte
	SpanID     [8]byte
	ParentID   [8]byte // zero: a root span
	TraceState string
	Name       string
	Kind       uint8
	Start, End int64
	Error      bool
	Attributes []KeyValue
	Links      []Link
}

// ResourceSpans are the spans of one resource.
type ResourceSpans struct {
	Resource []KeyValue
	Spans    []Span
}

// MetricType is a metric's kind of data.
type MetricType uint8

// The metric types.
const (
	Gauge MetricType = iota
	Counter
	HistogramType
	ExponentialType // read only: an exponential histogram, of which count and sum are decoded
	SummaryType     // read only: its points are not decoded
)

// Metric is a metric to be written.
type Metric struct {
	Name, Unit string
	Type       MetricType
	Cumulative bool // temporality of Counter and HistogramType; else delta
	Points     []Point
}

// Point is one data point. Value is for Gauge and Counter, the rest for
// HistogramType; Bounds and Buckets may be empty. NoValue and NoSum are read only:
// the point carries the flag "no recorded value", or a histogram has no sum.
type Point struct {
	Attributes  []KeyValue
	Start, Time int64 // Unix nanoseconds
	Value       float64
	Count       uint64
	Sum         float64
	Bounds      []float64
	Buckets     []uint64 // len(Bounds)+1
	NoValue     bool
	NoSum       bool
}

// ResourceMetrics are the metrics of one resource.
type ResourceMetrics struct {
	Resource []KeyValue
	Metrics  []Metric
}
