package ingest

import (
	"fmt"
	"testing"

	"presage/ingest/otlp"
)

// BenchmarkDecode decodes a record of 100 spans with ten attributes each, three of
// which name the peer, into a batch.
func BenchmarkDecode(b *testing.B) {
	r := otlp.ResourceSpans{Resource: []otlp.KeyValue{
		otlp.String("service.name", "checkout"), otlp.String("k8s.pod.uid", "3b1f0c1e-8f7c-4e44-9d3a-1b2c3d4e5f60"),
	}}
	for i := range 100 {
		s := otlp.Span{
			TraceID: [16]byte{1, byte(i)}, SpanID: [8]byte{2, byte(i)}, Name: "POST /api/checkout/{id}", Kind: uint8(2 + i%2),
			Start: at, End: at + 12_345_678,
			Attributes: []otlp.KeyValue{
				otlp.String("server.address", "cart.shop.svc.cluster.local"), otlp.String("url.full", "http://cart.shop:8080/cart"),
				otlp.String("network.protocol.version", "1.1"),
			},
		}
		for k := range 7 {
			s.Attributes = append(s.Attributes, otlp.String(fmt.Sprintf("some.attribute.key.%d", k), "a value of middling size"))
		}
		r.Spans = append(r.Spans, s)
	}
	value := otlp.AppendTraces(nil, []otlp.ResourceSpans{r})
	d := NewDecoder(Options{})
	n := 0
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		batch, err := d.Decode(Spans, here, at, nil, value)
		if err != nil {
			b.Fatal(err)
		}
		n += len(batch.Spans)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/span")
}
