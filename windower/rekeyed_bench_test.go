package windower

import (
	"fmt"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// BenchmarkRekeyedPartition measures the partition machine where its records were copied from so many
// source partitions in turn, and, as keyed, on the same records where they were not. A record has
// eight spans, as one of a hundred spans leaves in each of twelve partitions; ns/span is the figure
// to compare.
func BenchmarkRekeyedPartition(b *testing.B) {
	for _, sources := range []int{0, 4, 64, 512} {
		name := "keyed"
		if sources > 0 {
			name = fmt.Sprint("sources=", sources)
		}
		b.Run(name, func(b *testing.B) {
			const per = 8
			var log []*ingest.Batch
			for _, whole := range steadyLog(200, 100_000) {
				for ; len(whole.Spans) > 0; whole.Spans = whole.Spans[per:] {
					r := &ingest.Batch{Spans: whole.Spans[:per]}
					r.Offset = int64(len(log))
					log = append(log, r)
				}
			}
			p, err := NewPartition(PartitionConfig{
				Graph: "g", Width: 10_000_000_000, Lateness: 20_000_000_000, TombstoneTTL: 20_000_000_000,
				Source: slice.Source{Topic: "spans"}, Partitions: 1, Rekeyed: sources > 0,
			})
			if err != nil {
				b.Fatal(err)
			}
			high := int64(0)
			told := func() {
				for i, r := range log {
					for j := range r.Spans {
						high = max(high, r.Spans[j].End)
					}
					if sources > 0 {
						r.Source = ingest.Source{Partition: i % sources, Partitions: sources, Offset: r.Offset / int64(sources), High: high}
					}
				}
			}
			told()
			b.ReportAllocs()
			spans, partials, offset := 0, 0, int64(0)
			for b.Loop() {
				for _, r := range log {
					out := p.Apply(r)
					spans += out.Spans
					partials += len(out.Partials)
				}
				b.StopTimer()
				offset += int64(len(log))
				shift(log, 60_000_000_000, offset)
				told()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
			b.ReportMetric(float64(partials)/float64(b.N), "partials/op")
		})
	}
}
