package otlp

import "fmt"

// sampleTraces has every field that the writer knows, and zeros of each.
func sampleTraces() []ResourceSpans {
	return []ResourceSpans{
		{
			Resource: []KeyValue{String("service.name", "cart"), String("k8s.pod.uid", "0b5c"), Int("process.pid", 7)},
			Spans: []Span{
				{
					TraceID: [16]byte{1, 2}, SpanID: [8]byte{3}, ParentID: [8]byte{0, 4}, TraceState: "ot=th:8",
					Name: "GET /cart", Kind: 2, Start: 1_600_000_000_000_000_000, End: 1_600_000_000_100_000_000, Error: true,
					Attributes: []KeyValue{
						String("http.route", "/cart"), Int("http.response.status_code", 500), Int("neg", -1),
						{"ratio", Value{Kind: KindDouble, Double: 0.25}}, {"retry", Value{Kind: KindBool, Bool: true}},
						{"no", Value{Kind: KindBool}}, String("empty", ""), Int("zero", 0),
					},
					Links: []Link{{TraceID: [16]byte{9}, SpanID: [8]byte{8}}},
				},
				{TraceID: [16]byte{1, 2}, SpanID: [8]byte{5}, Kind: 3, Start: 1, End: 2},
			},
		},
		{Resource: []KeyValue{String("service.name", "db")}, Spans: []Span{{}}},
		{},
	}
}

func sampleMetrics() []ResourceMetrics {
	at := int64(1_600_000_000_000_000_000)
	return []ResourceMetrics{
		{
			Resource: []KeyValue{String("k8s.pod.uid", "0b5c"), String("k8s.container.name", "cart")},
			Metrics: []Metric{
				{Name: "container.cpu.usage", Unit: "{cpu}", Type: Gauge, Points: []Point{{Time: at, Value: 0.25}, {Time: at + 1}}},
				{
					Name: "container.cpu.time", Unit: "s", Type: Counter, Cumulative: true,
					Points: []Point{{Start: at - 10, Time: at, Value: 12.5, Attributes: []KeyValue{String("cpu.mode", "user")}}},
				},
				{
					Name: "rpc.server.duration", Unit: "ms", Type: HistogramType,
					Points: []Point{
						{Start: at - 10, Time: at, Count: 3, Sum: 7.5, Bounds: []float64{1, 2}, Buckets: []uint64{1, 0, 2}},
						{Start: at, Time: at + 10},
					},
				},
			},
		},
	}
}

// bigTraces is a message of n spans with ten attributes each, as the reference
// figures of decoding speed use.
func bigTraces(n int) []ResourceSpans {
	r := ResourceSpans{Resource: []KeyValue{
		String("service.name", "checkout"), String("k8s.pod.uid", "3b1f0c1e-8f7c-4e44-9d3a-1b2c3d4e5f60"),
		String("k8s.namespace.name", "shop"), String("telemetry.sdk.language", "go"),
	}}
	for i := range n {
		s := Span{
			TraceID: [16]byte{1, byte(i >> 8), byte(i)}, SpanID: [8]byte{2, byte(i >> 8), byte(i)}, ParentID: [8]byte{3},
			Name: "POST /api/checkout/{id}", Kind: uint8(2 + i%2), Start: 1_700_000_000_000_000_000, End: 1_700_000_000_012_345_678,
		}
		for k := range 10 {
			s.Attributes = append(s.Attributes, String(fmt.Sprintf("some.attribute.key.%d", k), "a value of middling size"))
		}
		r.Spans = append(r.Spans, s)
	}
	return []ResourceSpans{r}
}
