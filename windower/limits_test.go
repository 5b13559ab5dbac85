package windower

import (
	"math"
	"testing"
	"time"

	"presage/ingest"
	"presage/windower/slice"
)

// TestExtremeTimes: no time overflows, and gaps cost nothing.
func TestExtremeTimes(t *testing.T) {
	extremes := []int64{math.MinInt64, -1, 0, 1, 2, latestTime - 1, latestTime, latestTime + 1, math.MaxInt64 - 1, math.MaxInt64}
	widths := []int64{1, 10, second, longest}
	for _, width := range widths {
		for _, recordTime := range extremes {
			p := mustPartition(t, PartitionConfig{Graph: "g", Width: width, Lateness: longest, TombstoneTTL: longest})
			last := int64(math.MinInt64)
			spans, lost, counted := int64(0), int64(0), int64(0)
			for i, end := range extremes {
				b := &ingest.Batch{Time: recordTime, Watermark: extremes[len(extremes)-1-i]}
				b.Offset = int64(i)
				for _, start := range extremes {
					b.Spans = append(b.Spans, ingest.Span{Service: "a", Kind: ingest.KindServer, Start: start, End: end, Adjusted: math.MaxUint32})
					spans++
				}
				b.Samples = []ingest.Sample{{Service: "a", Time: end, Value: math.MaxInt64}, {Service: "a", Time: end, Cumulative: true, Value: math.MinInt64}}
				out := p.Apply(b)
				counted += int64(out.Spans)
				for _, l := range out.Losses {
					lost += l.Count
				}
				if w := p.Watermark(); w < last {
					t.Fatalf("watermark fell from %d to %d", last, w)
				}
				last = p.Watermark()
				if _, err := ParseCommit(p.Commit(AllAcknowledged)); err != nil {
					t.Fatal(err)
				}
			}
			if lost+counted < spans {
				t.Errorf("%d spans in, %d counted, %d lost", spans, counted, lost)
			}
		}
	}
}

// TestGapsCostNothing: a hundred years without an event are one step. Each slice
// of them would make the test run for days.
func TestGapsCostNothing(t *testing.T) {
	p := mustPartition(t, PartitionConfig{Graph: "g", Width: 1, Lateness: 3, TombstoneTTL: 3, Source: slice.Source{Topic: "spans"}, Partitions: 1})
	a := mustAssembler(t, AssemblerConfig{Graph: "g", Width: 1, SpanTopics: []string{"spans"}})
	var got []*slice.Snapshot
	take := func(out Output) {
		for _, q := range out.Partials {
			got = append(got, a.Add(0, q, 0, 1).Snapshots...)
		}
	}
	for i, at := range []int64{1, 100 * 365 * 24 * int64(time.Hour)} {
		b := &ingest.Batch{Spans: []ingest.Span{{Service: "a", Start: at, End: at}}}
		b.Offset = int64(i)
		take(p.Apply(b))
	}
	final := &ingest.Batch{Final: true}
	final.Offset = 2
	take(p.Apply(final))
	if len(got) != 2 || got[0].Segment == got[1].Segment {
		t.Errorf("%d snapshots, want two of two segments", len(got))
	}
}

func TestAlreadyAppliedIsIgnored(t *testing.T) {
	p := mustPartition(t, PartitionConfig{Graph: "g", Width: 10})
	b := &ingest.Batch{Spans: []ingest.Span{{Service: "a", Start: 5, End: 6}}}
	if out := p.Apply(b); out.Spans != 1 {
		t.Fatalf("%+v", out)
	}
	if out := p.Apply(b); out.Spans != 0 || p.Next() != 1 {
		t.Errorf("%+v, next %d", out, p.Next())
	}
}

func TestAssemblerRefuses(t *testing.T) {
	good := func() *slice.Partial {
		return &slice.Partial{
			Header: slice.Header{Graph: "g", Fingerprint: 7, Width: 10, Index: 3, Source: slice.Source{Topic: "spans"}, Partitions: 1, Watermark: 40},
			Nodes:  []slice.NodePart{{Service: "a"}},
		}
	}
	for name, c := range map[string]struct {
		change func(*slice.Partial)
		i, n   int
		want   Reason
	}{
		"another graph":         {func(p *slice.Partial) { p.Graph = "h" }, 0, 1, ReasonForeign},
		"another topic":         {func(p *slice.Partial) { p.Source.Topic = "x" }, 0, 1, ReasonForeign},
		"another fingerprint":   {func(p *slice.Partial) { p.Fingerprint = 8 }, 0, 1, ReasonFingerprint},
		"another width":         {func(p *slice.Partial) { p.Width = 9 }, 0, 1, ReasonFingerprint},
		"no such partition":     {func(p *slice.Partial) { p.Source.Partition = 1 }, 0, 1, ReasonForeign},
		"too many partitions":   {func(p *slice.Partial) { p.Partitions = 1 << 20 }, 0, 1, ReasonForeign},
		"chunk beyond the last": {func(*slice.Partial) {}, 1, 1, ReasonForeign},
		"too many chunks":       {func(*slice.Partial) {}, 0, 1 << 20, ReasonForeign},
	} {
		a := mustAssembler(t, AssemblerConfig{Graph: "g", Fingerprint: 7, Width: 10, SpanTopics: []string{"spans"}})
		p := good()
		c.change(p)
		out := a.Add(0, p, c.i, c.n)
		if len(out.Snapshots) != 0 || len(out.Losses) != 1 || out.Losses[0] != (Loss{Reason: c.want, Count: 1}) {
			t.Errorf("%s: %+v", name, out)
		}
		if out := a.Add(1, good(), 0, 1); len(out.Snapshots) != 1 {
			t.Errorf("%s: the good one after it gave %d snapshots", name, len(out.Snapshots))
		}
		if out := a.Add(2, good(), 0, 1); len(out.Losses) != 1 || out.Losses[0].Reason != ReasonTooLate {
			t.Errorf("%s: the same again: %+v", name, out.Losses)
		}
	}
}
