package slice

import (
	"math"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// drawNames gives names of a small set, so that rows meet, some of them awkward.
var drawNames = rapid.SampledFrom([]string{"", "a", "cart", "checkout", "z", User, Other, "größe", "x\x00y", "\xff"})

// drawCount gives counts that are usually small, never negative.
var drawCount = rapid.OneOf(rapid.Int64Range(0, 3), rapid.Int64Range(0, 1<<40))

func drawSum(t *rapid.T) Sum {
	return Sum{Hi: rapid.Uint64Range(0, 1<<30).Draw(t, "hi"), Lo: rapid.Uint64().Draw(t, "lo")}
}

func drawHistogram(t *rapid.T) Histogram {
	var h Histogram
	for range rapid.IntRange(0, 5).Draw(t, "buckets") {
		h.Add(rapid.Uint16Range(0, Buckets-1).Draw(t, "index"), drawCount.Draw(t, "count"))
	}
	return h
}

// distinct sorts rows and keeps one of each key.
func distinct[T any](rows []T, compare func(a, b *T) int) []T {
	slices.SortStableFunc(rows, func(a, b T) int { return compare(&a, &b) })
	rows = slices.CompactFunc(rows, func(a, b T) bool { return compare(&a, &b) == 0 })
	if len(rows) == 0 {
		return nil
	}
	return rows
}

func drawNode(t *rapid.T) NodePart {
	return NodePart{
		Service: drawNames.Draw(t, "service"), Spans: drawCount.Draw(t, "spans"), Requests: drawCount.Draw(t, "requests"),
		Errors: drawCount.Draw(t, "errors"), Arrivals: drawCount.Draw(t, "arrivals"), Unpaired: drawCount.Draw(t, "unpaired"),
		Duration: drawSum(t), Latency: drawHistogram(t),
	}
}

func drawEdge(t *rapid.T) EdgePart {
	return EdgePart{
		Caller: drawNames.Draw(t, "caller"), Callee: drawNames.Draw(t, "callee"), Kind: EdgeKind(rapid.IntRange(0, 3).Draw(t, "kind")),
		Calls: drawCount.Draw(t, "calls"), Errors: drawCount.Draw(t, "errors"), Duration: drawSum(t),
	}
}

func drawSighting(t *rapid.T) Sighting {
	return Sighting{Key: drawNames.Draw(t, "key"), Service: drawNames.Draw(t, "service")}
}

func drawResource(t *rapid.T) ResourcePart {
	r := ResourcePart{
		Service: drawNames.Draw(t, "service"), Metric: uint8(rapid.IntRange(0, 3).Draw(t, "metric")), Cumulative: rapid.Bool().Draw(t, "cumulative"),
		Points: drawCount.Draw(t, "points"), Total: drawSum(t), Count: drawCount.Draw(t, "count"),
		LastTime: drawCount.Draw(t, "time"), LastStart: drawCount.Draw(t, "start"), LastValue: rapid.Int64().Draw(t, "value"), LastCount: drawCount.Draw(t, "last count"),
	}
	if n := rapid.IntRange(0, 3).Draw(t, "keys"); n > 0 {
		r.Keys = rapid.SliceOfN(drawNames, n, n).Draw(t, "keys")
	}
	return r
}

func drawRows[T any](t *rapid.T, one func(*rapid.T) T, compare func(a, b *T) int) []T {
	return distinct(rapid.SliceOfN(rapid.Custom(one), 0, 6).Draw(t, "rows"), compare)
}

// drawPartial gives partials of one slice, from one of several sources.
func drawPartial(t *rapid.T) *Partial {
	return &Partial{
		Header: Header{
			Graph: "shop", Fingerprint: 0xfeedfacecafebeef, Width: 10e9, Index: 157_000_000,
			Source:     Source{Topic: rapid.SampledFrom([]string{"otlp_metrics", "otlp_spans"}).Draw(t, "topic"), Partition: rapid.IntRange(0, 3).Draw(t, "partition")},
			Partitions: rapid.IntRange(4, 5).Draw(t, "partitions"),
			Watermark:  rapid.OneOf(rapid.Int64Range(1_570_000_000e9, 1_570_000_001e9), rapid.Just(int64(math.MaxInt64))).Draw(t, "watermark"),
		},
		Nodes:     drawRows(t, drawNode, compareNodes),
		Edges:     drawRows(t, drawEdge, compareEdges),
		Sightings: drawRows(t, drawSighting, compareSightings),
		Resources: drawRows(t, drawResource, compareResources),
	}
}

func drawColumn(t *rapid.T, n int) Column {
	c := NewColumn(n)
	for i := range n {
		if rapid.Bool().Draw(t, "valid") {
			c.Set(i, rapid.Float64Range(-1e300, 1e300).Draw(t, "value"))
		}
	}
	return c
}

// drawSnapshot gives well-formed snapshots.
func drawSnapshot(t *rapid.T) *Snapshot {
	s := &Snapshot{
		Graph: "shop", Fingerprint: rapid.Uint64().Draw(t, "fingerprint"), Width: rapid.Int64Range(1, 60e9).Draw(t, "width"),
		Index: rapid.Int64().Draw(t, "index"), Revision: rapid.IntRange(1, 3).Draw(t, "revision"), Complete: rapid.Bool().Draw(t, "complete"),
		Missing: rapid.SliceOfN(drawNames, 0, 2).Draw(t, "missing"),
	}
	s.Segment = min(s.Index, rapid.Int64().Draw(t, "segment"))
	s.Nodes.Service = rapid.SliceOfNDistinct(drawNames, 0, 8, rapid.ID).Draw(t, "services")
	slices.Sort(s.Nodes.Service)
	n := s.Nodes.Len()
	s.Nodes.Virtual = rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "virtual")
	for _, c := range s.Nodes.columns() {
		*c.Column = drawColumn(t, n)
	}
	s.Edges.Offset = []int32{0}
	for range n {
		for callee := range n {
			for kind := range uint8(4) {
				if rapid.IntRange(0, 7).Draw(t, "edge") == 0 {
					s.Edges.Callee = append(s.Edges.Callee, int32(callee))
					s.Edges.Kind = append(s.Edges.Kind, kind)
					for _, c := range s.Edges.columns() {
						*c.values = append(*c.values, rapid.Float64Range(0, 1e9).Draw(t, "value"))
					}
				}
			}
		}
		s.Edges.Offset = append(s.Edges.Offset, int32(s.Edges.Len()))
	}
	for range rapid.IntRange(0, 4).Draw(t, "resources") {
		s.Resources = append(s.Resources, ResourceState{
			Key: drawNames.Draw(t, "key"), Service: drawNames.Draw(t, "service"), Metric: rapid.Uint8().Draw(t, "metric"),
			LastTime: rapid.Int64().Draw(t, "time"), LastStart: rapid.Int64().Draw(t, "start"), LastValue: rapid.Int64().Draw(t, "value"), LastCount: rapid.Int64().Draw(t, "count"),
		})
	}
	slices.SortFunc(s.Resources, func(a, b ResourceState) int { return strings.Compare(a.Key, b.Key) })
	return s
}
