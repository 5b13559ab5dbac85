package stage

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

// BenchmarkChain reads spans from the embedded broker, cuts them into slices and reads
// the snapshots back: one operation is one span. Broker, partitions and assembler share
// the processors. Four spans (two calls of a trace) are in a record, 30 services call
// each other, 600 spans are in a second of event time.
func BenchmarkChain(b *testing.B) {
	broker := startBroker(b)
	c := dial(b, broker)
	g := testGraph()
	g.MetricTopics = nil
	const perSecond = 600
	seconds := max(b.N/perSecond, 60)
	r := rand.New(rand.NewPCG(1, 1))
	var log []kafka.Record
	for s := range seconds {
		for range perSecond / 4 {
			var id [16]byte
			binary.LittleEndian.PutUint64(id[:], r.Uint64())
			id[15] = 1
			var spans []otlp.ResourceSpans
			for hop := range 2 {
				for _, kind := range []uint8{3, 2} {
					start := epoch + int64(s)*sec + r.Int64N(sec/2)
					span := otlp.Span{TraceID: id, SpanID: [8]byte{byte(hop*2) + kind}, Name: "call", Kind: kind, Start: start, End: start + r.Int64N(sec/2)}
					if kind == 2 {
						span.ParentID = [8]byte{byte(hop*2) + 3}
					}
					spans = append(spans, otlp.ResourceSpans{
						Resource: []otlp.KeyValue{otlp.String("service.name", fmt.Sprint("service-", r.IntN(30)))}, Spans: []otlp.Span{span},
					})
				}
			}
			log = append(log, kafka.Record{Topic: "spans", Partition: int(id[0]) % 2, Time: epoch + int64(s+1)*sec, Value: otlp.AppendTraces(nil, spans)})
		}
	}
	for p := range 2 {
		log = append(log, mark(slice.Source{Topic: "spans", Partition: p}, epoch+int64(seconds+1)*sec, true))
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(b.Context(), log); err != nil {
		b.Fatal(err)
	}
	ctx, done := context.WithCancel(b.Context())
	defer done()
	last := epoch/(10*sec) + int64(seconds-1)/10
	b.ReportAllocs()
	b.ResetTimer()
	stop := pipeline(b, options(b, c, g))
	if err := FollowSlices(ctx, SlicesConfig{Client: c, Topic: "slices", Graph: "shop", From: kafka.FirstOffset}, func(s *slice.Snapshot, _, _ int64) error {
		if s != nil && s.Index >= last {
			done()
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	stop()
	b.ReportMetric(float64(seconds*perSecond)/b.Elapsed().Seconds(), "spans/s")
}

// BenchmarkCopy decodes and splits records as a re-keyer does, without the brokers: a hundred spans of
// ten traces in a record, ten attributes in a span, into twelve partitions. One operation is one span.
func BenchmarkCopy(b *testing.B) {
	const spans, traces, targets = 100, 10, 12
	r := otlp.ResourceSpans{Resource: []otlp.KeyValue{
		otlp.String("service.name", "checkout"), otlp.String("k8s.pod.uid", "3b1f0c1e-8f7c-4e44-9d3a-1b2c3d4e5f60"),
	}}
	for i := range spans {
		s := otlp.Span{
			TraceID: [16]byte{1, byte(i % traces)}, SpanID: [8]byte{2, byte(i)}, Name: "POST /api/checkout/{id}", Kind: uint8(2 + i%2),
			Start: epoch, End: epoch + 12_345_678,
		}
		for k := range 10 {
			s.Attributes = append(s.Attributes, otlp.String(fmt.Sprintf("some.attribute.key.%d", k), "a value of middling size"))
		}
		r.Spans = append(r.Spans, s)
	}
	o := Options{Graph: rekeyedGraph(), Now: time.Now, Log: slog.New(slog.DiscardHandler), MaxMessageBytes: kafka.DefaultMaxMessageBytes}
	c := &copier{
		rekeyStage: &rekeyStage{Options: o, to: byTraceTopic}, assignment: (&shelf{}).take(),
		decoder: ingest.NewDecoder(o.Ingest), splitter: otlp.NewTraceSplitter(o.Ingest.Limits),
		copied: windower.Copied{High: ingest.NoTime, Targets: targets},
	}
	c.hear(targets)
	record := kafka.Record{Topic: "spans", Time: epoch, Value: otlp.AppendTraces(nil, []otlp.ResourceSpans{r})}
	b.SetBytes(int64(len(record.Value) / spans))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N/spans + 1 {
		c.splitter.Reset()
		c.out = c.out[:0]
		c.take(&record)
		record.Offset++
	}
	if c.spans < b.N || len(c.out) > traces {
		b.Fatalf("%d spans, %d records", c.spans, len(c.out))
	}
	b.ReportMetric(float64(c.spans)/b.Elapsed().Seconds(), "spans/s")
}
