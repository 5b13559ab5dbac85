package slice

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// largeSnapshot has n services with four edges and two resources each, and
// numbers that are as hard to compress as measured ones.
func largeSnapshot(n int) *Snapshot {
	s := &Snapshot{Graph: "shop", Fingerprint: 1, Width: 60e9, Index: 29_000_000, Revision: 1, Complete: true, Segment: 28_000_000}
	s.Nodes.Virtual = make([]bool, n)
	for i := range n {
		s.Nodes.Service = append(s.Nodes.Service, fmt.Sprintf("service-%05d", i))
	}
	for k, c := range s.Nodes.columns() {
		*c.Column = NewColumn(n)
		for i := range n {
			switch {
			case k < 3: // counts
				c.Set(i, float64((i*7919+k)%5000))
			case i%10 > 0:
				c.Set(i, 100*math.Abs(math.Sin(float64(i*k))))
			}
		}
	}
	s.Edges.Offset = []int32{0}
	for i := range n {
		callees := []int32{int32((i + 1) % n), int32((i + 7) % n), int32((i + 31) % n), int32((i + 101) % n)}
		slices.Sort(callees)
		for _, callee := range slices.Compact(callees) {
			s.Edges.Callee = append(s.Edges.Callee, callee)
			s.Edges.Kind = append(s.Edges.Kind, uint8(Call))
			s.Edges.Calls = append(s.Edges.Calls, float64(i*int(callee)%1000))
			s.Edges.Errors = append(s.Edges.Errors, float64(i%3))
			s.Edges.Mean = append(s.Edges.Mean, 100*math.Abs(math.Cos(float64(i)*float64(callee))))
		}
		s.Edges.Offset = append(s.Edges.Offset, int32(s.Edges.Len()))
		for m := range uint8(2) {
			s.Resources = append(s.Resources, ResourceState{Key: fmt.Sprintf("pod:%05d-%08x", i, i*7919), Service: s.Nodes.Service[i], Metric: m, LastTime: s.Start() + int64(i), LastValue: int64(i) * 1e6})
		}
	}
	return s
}

// Measured: one snapshot of n services to Arrow, zstd and chunks; the bytes
// counted are those of the result.
func BenchmarkEncodeSnapshot(b *testing.B) {
	for _, n := range []int{30, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := largeSnapshot(n)
			size := 0
			b.ReportAllocs()
			for b.Loop() {
				size = 0
				for _, c := range mustEncode(b, s, 0) {
					size += len(c)
				}
			}
			b.SetBytes(int64(size))
			b.ReportMetric(float64(size), "bytes")
		})
	}
}

// Measured: reading one snapshot of n services with a reader that is there.
func BenchmarkDecodeSnapshot(b *testing.B) {
	for _, n := range []int{30, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			chunks := mustEncode(b, largeSnapshot(n), 0)
			r, err := NewSnapshotReader()
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range chunks {
					if _, err := r.Add(c); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
