package kafka_test

import (
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
)

// BenchmarkFetch reads 300-byte records from the embedded broker, which runs in the
// same process and takes its share of the processors: one operation is one record.
func BenchmarkFetch(b *testing.B) {
	_, c := start(b, broker.Topic{Name: "spans", RetentionBytes: 1 << 30})
	const n = 200_000
	records := make([]kafka.Record, n)
	for i := range records {
		records[i] = kafka.Record{Topic: "spans", Key: make([]byte, 32), Value: make([]byte, 268)}
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(b.Context(), records); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(300)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; {
		r := c.Read("spans", 0, 0, kafka.FetchConfig{MaxWait: 50 * time.Millisecond})
		for r.Next() < n && left > 0 {
			got, _, err := r.Fetch(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			left -= len(got)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkWrite writes 300-byte records in calls of a thousand, all acknowledged;
// one operation is one record.
func BenchmarkWrite(b *testing.B) {
	_, c := start(b, broker.Topic{Name: "spans", RetentionBytes: 32 << 20})
	records := make([]kafka.Record, 1000)
	for i := range records {
		records[i] = kafka.Record{Topic: "spans", Key: make([]byte, 32), Value: make([]byte, 268)}
	}
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	b.SetBytes(300)
	b.ReportAllocs()
	b.ResetTimer()
	for left := b.N; left > 0; left -= len(records) {
		if err := p.Write(b.Context(), records[:min(left, len(records))]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
