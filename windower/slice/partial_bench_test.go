package slice

import (
	"fmt"
	"testing"
)

// largePartial has n services, about four edges and two resources each.
func largePartial(n int) *Partial {
	p := &Partial{Header: samplePartial().Header}
	for i := range n {
		s := fmt.Sprintf("service-%05d", i)
		node := NodePart{Service: s, Spans: int64(i), Requests: int64(i) << 8, Arrivals: int64(i) << 8}
		for b := range 40 {
			node.Latency = append(node.Latency, Bucket{uint16(600 + 3*b + i%50), int64(b+1) << 8})
			node.Duration.AddProduct(int64(b)<<20, 256)
		}
		p.Nodes = append(p.Nodes, node)
		for _, step := range []int{1, 7, 31, 101} {
			p.Edges = append(p.Edges, EdgePart{Caller: s, Callee: fmt.Sprintf("service-%05d", (i+step)%n), Calls: int64(step) << 8, Duration: Sum{0, uint64(i) << 28}})
		}
		p.Sightings = append(p.Sightings, Sighting{Key: fmt.Sprintf("pod:%08x-%05d", 7*i, i), Service: s})
		for m := range uint8(2) {
			p.Resources = append(p.Resources, ResourcePart{Keys: []string{fmt.Sprintf("pod:%08x-%05d", 7*i, i)}, Metric: m, Points: 4, Total: Sum{0, 1 << 33}})
		}
	}
	p.Edges = distinct(p.Edges, compareEdges)
	return p
}

// Measured: one partial of 1 000 services with 40 histogram buckets each; the
// bytes counted are those of the encoding.
func BenchmarkEncodePartial(b *testing.B) {
	p := largePartial(1000)
	size := 0
	for b.Loop() {
		size = 0
		for _, c := range EncodePartial(p, 0) {
			size += len(c)
		}
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
}

// Measured: reading the chunks of one partial of 1 000 services, without merging.
func BenchmarkDecodePartial(b *testing.B) {
	chunks := EncodePartial(largePartial(1000), 0)
	size := 0
	for _, c := range chunks {
		size += len(c)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range chunks {
			if _, _, _, err := DecodePartial(c); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// Measured: merging the partials of 8 source partitions, each of the same 1 000
// services.
func BenchmarkMergePartials(b *testing.B) {
	ps := make([]*Partial, 8)
	for i := range ps {
		ps[i] = largePartial(1000)
		ps[i].Source.Partition = i
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := MergePartials(ps); err != nil {
			b.Fatal(err)
		}
	}
}
