package stage

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/ingest/otlp"
	"presage/internal/kafka"
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
