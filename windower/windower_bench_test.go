package windower

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

// steadyLog is a stream of traces of depth four over 200 services: records of
// 200 spans, as a collector batches them by resource, 60 s of event time in slices of
// 10 s. Each round of the benchmark moves it on by its length.
func steadyLog(services, spans int) []*ingest.Batch {
	r := rand.New(rand.NewPCG(1, 1))
	const length = 60_000_000_000
	names := make([]string, services)
	keys := make([][]string, services)
	for i := range names {
		names[i] = fmt.Sprintf("service-%03d", i)
		keys[i] = []string{fmt.Sprintf("pod:%d/main", i), fmt.Sprintf("pod:%d", i)}
	}
	var all []ingest.Span
	for trace := uint64(1); len(all) < spans; trace++ {
		at := 1_700_000_000_000_000_000 + int64(float64(len(all))/float64(spans)*length)
		var id, parent uint64
		service := r.IntN(services)
		add := func(kind ingest.Kind, service int, took int64) {
			id++
			s := ingest.Span{Kind: kind, Service: names[service], Keys: keys[service], Start: at, End: at + took, Adjusted: 256}
			binary.LittleEndian.PutUint64(s.TraceID[:], trace)
			binary.LittleEndian.PutUint64(s.SpanID[:], id)
			if parent > 0 {
				binary.LittleEndian.PutUint64(s.ParentID[:], parent)
			}
			parent = id
			all = append(all, s)
		}
		for depth := range 4 {
			add(ingest.KindServer, service, int64(80-20*depth)*1_000_000+r.Int64N(1_000_000))
			add(ingest.KindInternal, service, 1_000_000)
			parent--
			add(ingest.KindClient, service, int64(70-20*depth)*1_000_000+r.Int64N(1_000_000))
			service = (service*7 + depth + 1) % services
		}
	}
	var log []*ingest.Batch
	for i := 0; i+200 <= len(all); i += 200 {
		b := &ingest.Batch{Spans: all[i : i+200]}
		b.Offset = int64(len(log))
		log = append(log, b)
	}
	return log
}

func shift(log []*ingest.Batch, by, offset int64) {
	for i, b := range log {
		b.Offset = offset + int64(i)
		for j := range b.Spans {
			b.Spans[j].Start += by
			b.Spans[j].End += by
			b.Spans[j].TraceID[15]++
		}
	}
}

// BenchmarkApply measures the partition machine alone, with decoded spans: rows,
// pairing, closing of slices; ns/span is the figure to compare.
func BenchmarkApply(b *testing.B) {
	log := steadyLog(200, 100_000)
	p, err := NewPartition(PartitionConfig{
		Graph: "g", Width: 10_000_000_000, Lateness: 20_000_000_000, TombstoneTTL: 20_000_000_000,
		Source: slice.Source{Topic: "spans"}, Partitions: 1,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	spans, partials, offset := 0, 0, int64(0)
	for b.Loop() {
		for _, batch := range log {
			out := p.Apply(batch)
			spans += out.Spans
			partials += len(out.Partials)
		}
		b.StopTimer()
		offset += int64(len(log))
		shift(log, 60_000_000_000, offset)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(spans), "ns/span")
	b.ReportMetric(float64(partials)/float64(b.N), "partials/op")
}

// BenchmarkAssemble measures joining the partials of four partitions, 200
// services and their calls, to a snapshot; decoding is outside.
func BenchmarkAssemble(b *testing.B) {
	log := steadyLog(200, 60_000)
	var parts []*slice.Partial
	for i := range 4 {
		p, err := NewPartition(PartitionConfig{
			Graph: "g", Width: 10_000_000_000, Source: slice.Source{Topic: "spans", Partition: i}, Partitions: 4,
		})
		if err != nil {
			b.Fatal(err)
		}
		var first *slice.Partial
		for k, batch := range log {
			if k%4 == i {
				if out := p.Apply(batch); len(out.Partials) > 0 && first == nil {
					first = out.Partials[0]
				}
			}
		}
		parts = append(parts, first)
	}
	a, err := NewAssembler(AssemblerConfig{Graph: "g", Width: 10_000_000_000, SpanTopics: []string{"spans"}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	snapshots, offset := 0, int64(0)
	for b.Loop() {
		for _, p := range parts {
			q := *p
			q.Index += offset
			q.Watermark = q.End()
			snapshots += len(a.Add(offset, &q, 0, 1).Snapshots)
		}
		offset++
	}
	if snapshots < b.N {
		b.Fatalf("%d snapshots in %d rounds", snapshots, b.N)
	}
}
