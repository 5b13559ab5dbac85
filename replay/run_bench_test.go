package replay

import (
	"context"
	"encoding/binary"
	"io"
	"testing"
	"time"

	"presage/ingest/otlp"
)

// sink is a Producer that takes everything.
type sink struct{ bytes int64 }

func (s *sink) Write(_ context.Context, records []Record) error {
	for i := range records {
		s.bytes += int64(len(records[i].Value))
	}
	return nil
}

func (s *sink) Ranges(context.Context, string) ([]Range, error) { return make([]Range, 8), nil }

// endless makes n spans, 20 a trace, of 50 services, 1000 traces at a time.
type endless struct {
	n, at     int
	resources [][]otlp.KeyValue
	peer      []otlp.KeyValue
	slab      []Span
}

func (e *endless) Next(context.Context) (Item, error) {
	if e.at == e.n {
		return Item{}, io.EOF
	}
	if len(e.slab) == 0 {
		e.slab = make([]Span, 256)
	}
	s := &e.slab[0]
	e.slab = e.slab[1:]
	trace := e.at/20_000*1000 + e.at%1000
	binary.BigEndian.PutUint64(s.TraceID[:], uint64(trace+1))
	binary.BigEndian.PutUint64(s.SpanID[:], uint64(e.at+1))
	binary.BigEndian.PutUint64(s.ParentID[:], uint64(e.at))
	s.Resource, s.Name, s.Kind, s.Attributes = e.resources[e.at%50], "interface", 3, e.peer
	s.End = base + int64(e.at)*int64(20*time.Microsecond)
	s.Start = s.End - int64(time.Millisecond)
	e.at++
	return Item{At: s.End, Span: s}, nil
}

func (e *endless) Stats() Stats { return Stats{} }
func (e *endless) Close() error { return nil }

// BenchmarkRun measures making records of spans and handing them to a producer
// that drops them: grouping by trace, encoding, partitioning; not reading files.
func BenchmarkRun(b *testing.B) {
	e := &endless{n: b.N, peer: []otlp.KeyValue{otlp.String("service.peer.name", "service-17")}}
	for i := range 50 {
		e.resources = append(e.resources, []otlp.KeyValue{otlp.String("service.name", "service-"+string(rune('a'+i%26))+string(rune('a'+i/26)))})
	}
	b.ReportAllocs()
	s := &sink{}
	if _, err := Run(context.Background(), Options{SpansTopic: "spans"}, func(context.Context) (Source, error) { return e, nil }, s); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "spans/s")
	b.SetBytes(s.bytes / int64(b.N))
}
