package windower

import (
	"math/rand/v2"

	"presage/ingest"
	"presage/windower/slice"
)

// logShape bounds a random log. Times are small, so that slices, lateness and
// time to live meet in every way; records have times far ahead of most events.
type logShape struct {
	width, lateness, ttl int64
	records, spans       int
	halfCap, rowCap      int
	final                bool
	knot                 bool // one trace whose few ids come again and again
	dedupe               bool
	spanCap              int
	// rekeyed says of record n of a log that was copied how far its sources are, and whether
	// the record had come before.
	rekeyed func(n int) (high int64, rewritten bool)
}

func randomShape(r *rand.Rand) logShape {
	if r.IntN(2) == 0 {
		return logShape{
			width: 1 + r.Int64N(4), lateness: r.Int64N(4), ttl: 4 + r.Int64N(12),
			records: 20 + r.IntN(60), spans: 1 + r.IntN(2), halfCap: 1 + r.IntN(3), knot: true,
		}
	}
	return logShape{
		width: 1 + r.Int64N(12), lateness: r.Int64N(15), ttl: r.Int64N(15),
		records: 1 + r.IntN(60), spans: 1 + r.IntN(4),
		halfCap: []int{1, 2, 3, 5, 1000, 1000, 1000}[r.IntN(7)],
		final:   r.IntN(4) == 0,
	}
}

func (s logShape) config() PartitionConfig {
	return PartitionConfig{
		Graph: "g", Fingerprint: 7, Width: s.width, Lateness: s.lateness, TombstoneTTL: s.ttl,
		Source: slice.Source{Topic: "spans", Partition: 3}, Partitions: 4,
		MaxHalvesPerSlice: s.halfCap, MaxRowsPerSlice: s.rowCap, DedupeSpans: s.dedupe, MaxSpansPerSlice: s.spanCap,
	}
}

// randomLog makes records whose event times walk forward, now and then with a
// jump, with late, future, duplicate, orphaned and bad spans, and offsets with gaps.
func randomLog(r *rand.Rand, s logShape) []*ingest.Batch {
	now, offset := 2*FutureSlack+r.Int64N(50), r.Int64N(3)
	var log []*ingest.Batch
	var seen []ingest.Span
	for range s.records {
		switch r.IntN(12) {
		case 0:
			now += r.Int64N(6 * (s.width + s.lateness + s.ttl))
		case 1, 2, 3, 4:
			now += r.Int64N(s.width + 1)
		case 5, 6:
			now += r.Int64N(3)
		}
		b := &ingest.Batch{Position: ingest.Position{Topic: "spans", Partition: 3, Offset: offset}}
		b.Time = now + r.Int64N(20) - FutureSlack
		for range r.IntN(s.spans + 1) {
			if len(seen) > 0 && r.IntN(10) == 0 {
				b.Spans = append(b.Spans, seen[r.IntN(len(seen))])
				continue
			}
			sp := randomSpan(r, s, now)
			seen = append(seen, sp)
			b.Spans = append(b.Spans, sp)
		}
		if r.IntN(6) == 0 {
			b.Samples = append(b.Samples, randomSample(r, s, now))
		}
		if r.IntN(15) == 0 {
			b.Watermark = now + r.Int64N(2*s.width)
		}
		log = append(log, b)
		offset += 1 + r.Int64N(2)*r.Int64N(3)
	}
	if s.final {
		log[len(log)-1-r.IntN(min(3, len(log)))].Final = true
	}
	return log
}

var services = []string{"a", "b", "c"}

// randomSpan has few trace and span ids, so that halves meet often, doubly and
// late.
func randomSpan(r *rand.Rand, s logShape, now int64) ingest.Span {
	end := now - r.Int64N(s.lateness+s.width+s.ttl+3) + r.Int64N(4)
	if r.IntN(20) == 0 {
		end += r.Int64N(100)
	}
	sp := ingest.Span{
		TraceID: ingest.TraceID{byte(now / (2 * (s.width + s.ttl + 1))), byte(r.IntN(2))},
		SpanID:  ingest.SpanID{byte(1 + r.IntN(4))},
		Kind:    ingest.Kind(r.IntN(6)),
		Error:   r.IntN(4) == 0,
		Service: services[r.IntN(3)],
		Start:   end - r.Int64N(2*s.width+2), End: end,
		PeerKind: ingest.PeerKind(r.IntN(3)),
		Adjusted: uint32(r.IntN(3) * 256),
	}
	if r.IntN(4) > 0 {
		sp.ParentID = ingest.SpanID{byte(1 + r.IntN(4))}
	}
	if r.IntN(3) == 0 {
		sp.Peer = []string{"db", "mq", "a"}[r.IntN(3)]
	}
	if r.IntN(3) == 0 {
		sp.Keys = [][]string{{"pod:1/x", "pod:1"}, {"pod:2"}, {"pod:1"}}[r.IntN(3)]
	}
	if s.knot {
		sp.TraceID, sp.SpanID = ingest.TraceID{1}, ingest.SpanID{byte(1 + r.IntN(6))}
		sp.ParentID = ingest.SpanID{byte(1 + r.IntN(6))}
		sp.Kind = []ingest.Kind{ingest.KindClient, ingest.KindServer, ingest.KindProducer}[r.IntN(3)]
		return sp
	}
	switch r.IntN(40) {
	case 0:
		sp.Start = 0
	case 1:
		sp.End = sp.Start - 1
	case 2:
		sp.Service = ""
	case 3:
		sp.Start, sp.End = end+50, end+60
	}
	return sp
}

func randomSample(r *rand.Rand, s logShape, now int64) ingest.Sample {
	sm := ingest.Sample{
		Metric: ingest.Metric(r.IntN(4)), Cumulative: r.IntN(2) == 0,
		Time: now - r.Int64N(s.lateness+s.width+3), Start: 1 + r.Int64N(50),
		Value: r.Int64N(1000), Count: r.Int64N(10), Sum: r.Int64N(1000),
	}
	if r.IntN(4) > 0 {
		sm.Keys = [][]string{{"pod:1/x", "pod:1"}, {"pod:2"}, {"pod:2", "pod:3"}}[r.IntN(3)]
	}
	if r.IntN(3) == 0 {
		sm.Service = services[r.IntN(3)]
	}
	return sm
}
