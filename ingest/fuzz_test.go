package ingest

import (
	"reflect"
	"testing"

	"presage/ingest/otlp"
)

// FuzzDecode: no record makes a decoder panic, and what it is decoded to does not
// depend on the records before it.
func FuzzDecode(f *testing.F) {
	f.Add(false, otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", "cart")},
		Spans: []otlp.Span{{
			TraceID: [16]byte{1}, SpanID: [8]byte{1}, Kind: 3, TraceState: "ot=th:8",
			Attributes: []otlp.KeyValue{otlp.String("db.system", "redis"), otlp.String("http.url", "http://a:1/")},
		}},
	}}))
	f.Add(true, otlp.AppendMetrics(nil, []otlp.ResourceMetrics{
		container("u", "main", gauge("container.cpu.usage", "", 1), durations("rpc.server.duration", "ms", false, otlp.Point{Count: 1})),
	}))
	used := NewDecoder(Options{InternBytes: 1 << 10})
	f.Fuzz(func(t *testing.T, metrics bool, value []byte) {
		signal := Spans
		if metrics {
			signal = Metrics
		}
		a, errA := used.Decode(signal, here, 1, nil, value)
		b, errB := NewDecoder(Options{}).Decode(signal, here, 1, nil, value)
		if Reason(errA) != Reason(errB) || (errA == nil && !same(a, b)) {
			t.Fatalf("%v, %v\n%+v\n%+v", errA, errB, a, b)
		}
	})
}

func same(a, b *Batch) bool {
	x, y := *a, *b
	if len(x.Spans) == 0 && len(y.Spans) == 0 {
		x.Spans, y.Spans = nil, nil
	}
	if len(x.Samples) == 0 && len(y.Samples) == 0 {
		x.Samples, y.Samples = nil, nil
	}
	return reflect.DeepEqual(x, y)
}
