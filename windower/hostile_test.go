package windower

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"presage/ingest"
)

// The oracle's part that tells which spans are duplicates: it looks at all spans of the
// log for each of them.

// spanAt is the place of a span: its record, and its place there.
type spanAt struct{ record, i int }

// verdict is what becomes of a span where spans are deduped.
type verdict int

const (
	news      verdict = iota
	duplicate         // left out
	refused           // counted, but its slice can't remember it
)

// arrival is a span that came before its slice was closed.
type arrival struct {
	ingest.Span
	at         spanAt
	slice      int64
	forgot     int // the record after which its slice is forgotten
	remembered bool
}

// judgeAll gives the verdicts of all spans that are not late or bad.
func judgeAll(s logShape, log []*ingest.Batch) map[spanAt]verdict {
	all := arrivals(s, log)
	out := map[spanAt]verdict{}
	for n, b := range all {
		again, higher, room := false, false, s.spanCap
		for _, a := range all[:n] {
			if a.remembered && a.slice == b.slice {
				room--
			}
			if a.remembered && b.at.record <= a.forgot && a.TraceID == b.TraceID && a.SpanID == b.SpanID && a.Kind == b.Kind {
				again = true
				higher = higher || a.slice >= b.slice
			}
		}
		b.remembered = !higher && room > 0
		switch {
		case again:
			out[b.at] = duplicate
		case !b.remembered:
			out[b.at] = refused
		}
	}
	return out
}

// arrivals lists the spans that are neither bad nor late, in the order of the log.
func arrivals(s logShape, log []*ingest.Batch) (all []*arrival) {
	var marks []int64
	mark := int64(math.MinInt64)
	for n, b := range log {
		after := mark
		for i, sp := range b.Spans {
			event := min(sp.End, b.Time+FutureSlack)
			k := floor(event, s.width)
			if sp.Start <= 0 || sp.End < sp.Start || sp.Service == "" || (k+1)*s.width <= mark {
				continue
			}
			after = max(after, event-s.lateness)
			all = append(all, &arrival{Span: sp, at: spanAt{n, i}, slice: k})
		}
		for _, sm := range b.Samples {
			event := min(sm.Time, b.Time+FutureSlack)
			if (sm.Service != "" || len(sm.Keys) > 0) && (floor(event, s.width)+1)*s.width > mark {
				after = max(after, event-s.lateness)
			}
		}
		if b.Watermark != 0 {
			after = max(after, min(b.Watermark, b.Time+FutureSlack)-s.lateness)
		}
		if b.Final {
			after = math.MaxInt64
		}
		mark = after
		marks = append(marks, mark)
	}
	for _, a := range all {
		a.forgot = firstMark(marks, (a.slice+1)*s.width+s.ttl)
	}
	return all
}

// dedupeSometimes turns the option on, with bounds of all sizes.
func dedupeSometimes(s *logShape, seed uint64) {
	s.dedupe, s.spanCap = true, []int{1, 2, 3, 5, 1000, 1000, 1000}[seed%7]
}

// hostileShape has the units of a real system, with clocks that are minutes apart.
func hostileShape(r *rand.Rand) logShape {
	pick := func(seconds ...int64) int64 { return seconds[r.IntN(len(seconds))] * second }
	s := logShape{width: pick(5, 10, 20), lateness: pick(0, 5, 20), ttl: pick(0, 5, 20, 60), records: 40 + r.IntN(60), spans: 4, halfCap: 1000}
	if r.IntN(3) == 0 {
		s.halfCap = 5 + r.IntN(20)
	}
	return s
}

// hostileLog makes what bad days bring: services whose clocks are minutes ahead or
// behind, records written twice at once, again after a while or again and again, records
// out of order, and bursts of spans that are minutes late. Ids are unique.
func hostileLog(r *rand.Rand, s logShape) []*ingest.Batch {
	skew := map[string]int64{}
	for _, service := range services {
		skew[service] = []int64{0, 0, r.Int64N(300) - 150, 2*r.Int64N(150) + 1}[r.IntN(4)] * second
	}
	now, id := int64(1_700_000_000*second), uint32(0)
	span := func(kind ingest.Kind, at int64, trace, own, parent uint32) ingest.Span {
		service := services[r.IntN(3)]
		end := at + skew[service]
		return ingest.Span{
			TraceID: ingest.TraceID{1, byte(trace >> 8), byte(trace)}, SpanID: ingest.SpanID{byte(own >> 8), byte(own), 1},
			ParentID: ingest.SpanID{byte(parent >> 8), byte(parent), 1}, Kind: kind, Service: service,
			Start: end - r.Int64N(3*second), End: end, Error: r.IntN(5) == 0, Peer: []string{"", "", "db"}[r.IntN(3)],
		}
	}
	var log, stuck []*ingest.Batch
	for range s.records {
		now += r.Int64N(4 * second)
		late := int64(0)
		if r.IntN(12) == 0 {
			late = r.Int64N(600 * second)
		}
		var calls, serves ingest.Batch
		for range 1 + r.IntN(s.spans) {
			id++
			at := now - late - r.Int64N(2*second)
			calls.Spans = append(calls.Spans, span(ingest.KindClient, at, id/3, id, 0))
			serves.Spans = append(serves.Spans, span(ingest.KindServer, at, id/3, id, id)) // the same id, as Zipkin's clients have it
			if r.IntN(3) == 0 {
				serves.Spans = append(serves.Spans, span(ingest.KindInternal, at, id/3, id+1<<15, id))
			}
		}
		for _, b := range []*ingest.Batch{&calls, &serves} {
			b.Time = now
			log = append(log, b)
			if r.IntN(6) == 0 {
				log = append(log, &ingest.Batch{Time: now, Spans: b.Spans})
			}
			if r.IntN(25) == 0 && len(stuck) < 3 {
				stuck = append(stuck, b)
			}
		}
		if r.IntN(10) == 0 {
			log = append(log, &ingest.Batch{Time: now, Spans: log[r.IntN(len(log))].Spans})
		}
		for _, b := range stuck { // its acknowledgement never comes
			if r.IntN(3) == 0 {
				log = append(log, &ingest.Batch{Time: now, Spans: b.Spans})
			}
		}
	}
	for i := range log {
		if j := i + r.IntN(6); j < len(log) && r.IntN(3) == 0 {
			log[i], log[j] = log[j], log[i]
		}
	}
	offset := int64(0)
	for _, b := range log {
		b.Offset = offset
		offset += 1 + r.Int64N(2)*r.Int64N(3)
	}
	if r.IntN(2) == 0 {
		end := &ingest.Batch{Time: now, Watermark: now, Final: true}
		end.Offset = offset
		log = append(log, end)
	}
	return log
}

// TestOracle compares the machine with the oracle on random logs.
func TestOracle(t *testing.T) {
	calls, lost := 0, map[Reason]int64{}
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 3))
		shape := randomShape(r)
		log := randomLog(r, shape)
		calls += likeTheOracle(t, fmt.Sprintf("seed %d", seed), shape, log, lost)
		dedupeSometimes(&shape, seed)
		likeTheOracle(t, fmt.Sprintf("seed %d deduped", seed), shape, log, lost)
	}
	t.Logf("%d rows of edges, lost %v", calls, lost)
}

// likeTheOracle compares what the machine makes of a log with what the oracle says, and
// adds up the losses.
func likeTheOracle(t *testing.T, name string, shape logShape, log []*ingest.Batch, lost map[Reason]int64) (edges int) {
	t.Helper()
	return likeTheOracleOf(t, name, shape.config(), shape, log, lost)
}

func likeTheOracleOf(t *testing.T, name string, cfg PartitionConfig, shape logShape, log []*ingest.Batch, lost map[Reason]int64) (edges int) {
	t.Helper()
	o := askOracle(shape, log)
	got := newRun()
	p := mustPartition(t, cfg)
	for _, b := range log {
		got.take(p.Apply(b))
	}
	if len(got.partials) != len(o.rows) {
		t.Fatalf("%s %+v: %d partials, want %d", name, shape, len(got.partials), len(o.rows))
	}
	unpaired := int64(0)
	for _, q := range got.partials {
		if have, want := partialText(q), o.text(q.Index); have != want {
			t.Fatalf("%s %+v slice %d\n got\n%s\nwant\n%s", name, shape, q.Index, have, want)
		}
		edges += len(q.Edges)
		for _, n := range q.Nodes {
			unpaired += n.Unpaired
		}
	}
	if int64(got.halves.Unpaired) != unpaired {
		t.Fatalf("%s %+v: %d halves unpaired, %d in the rows", name, shape, got.halves.Unpaired, unpaired)
	}
	for l, n := range o.losses {
		if got.losses[l] != n {
			t.Fatalf("%s %+v: loss %v is %d, want %d", name, shape, l, got.losses[l], n)
		}
		lost[l.Reason] += n
	}
	if len(got.losses) != len(o.losses) {
		t.Fatalf("%s: losses %v, want %v", name, got.losses, o.losses)
	}
	return edges
}

// TestOracleOnHostileLogs compares the machine with the oracle on what bad days bring, with
// and without the option.
func TestOracleOnHostileLogs(t *testing.T) {
	calls, lost := 0, map[Reason]int64{}
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 5))
		shape := hostileShape(r)
		log := hostileLog(r, shape)
		calls += likeTheOracle(t, fmt.Sprintf("seed %d", seed), shape, log, lost)
		dedupeSometimes(&shape, seed)
		calls += likeTheOracle(t, fmt.Sprintf("seed %d deduped", seed), shape, log, lost)
	}
	t.Logf("%d rows of edges, lost %v", calls, lost)
	for _, reason := range []Reason{ReasonDuplicate, ReasonSpanCap, ReasonLate, ReasonPairedLate, ReasonHalfCap} {
		if lost[reason] == 0 {
			t.Errorf("nothing was lost by %s: the logs are not hostile enough", reason)
		}
	}
}

// tieSpans gives the spans of a knot few keys to meet under and, to the serving ones, more
// ids: so that a chain of halves hangs on whether one span was a duplicate.
func tieSpans(r *rand.Rand, log []*ingest.Batch) {
	keys, ids := 1+r.IntN(4), 2+r.IntN(20)
	for _, b := range log {
		for i := range b.Spans {
			s := &b.Spans[i]
			s.SpanID, s.ParentID = ingest.SpanID{byte(1 + r.IntN(keys))}, ingest.SpanID{byte(1 + r.IntN(keys))}
			if s.Kind.Serves() {
				s.SpanID = ingest.SpanID{0, byte(1 + r.IntN(ids))}
			}
		}
	}
}

// TestCrashWithDedupe is TestCrashAnywhere with the option: whether a span is a duplicate
// must be the same after a restart.
func TestCrashWithDedupe(t *testing.T) {
	crashes, lost := 0, map[Reason]int64{}
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 6))
		var shape logShape
		var log []*ingest.Batch
		switch seed % 8 {
		case 0:
			shape = hostileShape(r)
			log = hostileLog(r, shape)
		case 1, 2, 3:
			shape = randomShape(r)
			log = randomLog(r, shape)
		default:
			shape = randomShape(r)
			shape.knot = true
			log = randomLog(r, shape)
			tieSpans(r, log)
		}
		dedupeSometimes(&shape, seed/8)
		n, _ := crashed(t, fmt.Sprintf("seed %d %+v", seed, shape), r, shape.config(), log, lost)
		crashes += n
	}
	t.Logf("%d crashes, lost %v", crashes, lost)
	if lost[ReasonDuplicate] == 0 || lost[ReasonSpanCap] == 0 {
		t.Errorf("lost %v: no duplicates", lost)
	}
}
