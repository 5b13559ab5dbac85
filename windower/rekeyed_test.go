package windower

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"presage/ingest"
)

// copyShape bounds a random log that was copied from several source partitions.
type copyShape struct {
	logShape
	sources int // how many the source topic has in the end
	first   int // and in the beginning
	lead    int64
	stalls  bool // a source hangs for a while
}

func randomCopyShape(r *rand.Rand) copyShape {
	s := copyShape{logShape: randomShape(r), sources: 1 + r.IntN(4), lead: 1 + r.Int64N(60), stalls: r.IntN(2) == 0}
	s.first = 1 + r.IntN(s.sources)
	s.records = 40 + r.IntN(80)
	s.final = r.IntN(4) == 0
	return s
}

func (s copyShape) config() PartitionConfig {
	c := s.logShape.config()
	c.Rekeyed, c.SourceLead = true, s.lead
	return c
}

// piece is what a source's writers write into the target partition, one after the other.
type piece struct {
	spans []ingest.Span
	time  int64
	told  ingest.Source
}

// sourcePieces copies a random source log into one of several target partitions: its records
// give up to three parts there, or none. What is told of event time is what Copied says.
func sourcePieces(r *rand.Rand, s copyShape, partition int) (out []piece) {
	copied := Copied{High: never}
	for _, b := range randomLog(r, s.logShape) {
		b.Samples = nil
		copied.Take(b)
		told := ingest.Source{Partition: partition, Offset: b.Offset, High: copied.High}
		spans := slices.DeleteFunc(b.Spans, func(ingest.Span) bool { return r.IntN(6) == 0 }) // went elsewhere
		for told.Index = 0; len(spans) > 0; told.Index++ {
			n := 1 + r.IntN(len(spans))
			out = append(out, piece{spans[:n], b.Time, told})
			spans = spans[n:]
		}
		if r.IntN(4) == 0 || b.Final {
			told.Index = ingest.WholeRecord
			out = append(out, piece{nil, b.Time, told})
		}
	}
	return out
}

// writer is a process that writes a source's pieces: its present owner, or one that does not
// know that it has lost it.
type writer struct {
	source, next, partitions int
	high                     int64 // of heartbeats, where it has let event time follow the clock
}

// copiedLog mixes what the writers of all sources write, in an order that is anybody's but
// within a writer: with pieces written again, heartbeats, a topic that grows, sources that
// nobody writes to or that hang, and records of somebody else.
func copiedLog(r *rand.Rand, s copyShape) (log []*ingest.Batch) {
	pieces := make([][]piece, s.sources)
	empty := map[int]bool{}
	for i := range pieces {
		pieces[i] = sourcePieces(r, s, i)
		if s.sources > 1 && r.IntN(8) == 0 {
			empty[i] = true
		}
	}
	known, offset := s.first, r.Int64N(3)
	written := make([]int, s.sources) // pieces that are there, in order
	hung, until := -1, 0
	var writers []*writer
	for i := range known {
		writers = append(writers, &writer{source: i, partitions: known, high: never})
	}
	add := func(b *ingest.Batch) {
		b.Topic, b.Partition, b.Offset = "spans.by_trace", 3, offset
		offset += 1 + r.Int64N(2)*r.Int64N(3)
		log = append(log, b)
	}
	for range 40 * s.records {
		if len(log) > 3*s.records || len(writers) == 0 {
			break
		}
		if known < s.sources && r.IntN(60) == 0 {
			for ; known < s.sources; known++ {
				writers = append(writers, &writer{source: known, partitions: s.sources, high: never})
			}
		}
		if s.stalls && len(log) >= until && r.IntN(30) == 0 {
			hung, until = r.IntN(s.sources), len(log)+r.IntN(2*s.records)
		}
		if i := r.IntN(s.sources); r.IntN(25) == 0 && i < known { // another owner, from a place that was written
			writers = append(writers, &writer{source: i, next: r.IntN(written[i] + 1), partitions: known, high: never})
		}
		if r.IntN(40) == 0 {
			add(&ingest.Batch{Time: 1, Spans: []ingest.Span{randomSpan(r, s.logShape, 2*FutureSlack+r.Int64N(200))}})
		}
		n := r.IntN(len(writers))
		w := writers[n]
		if w.source == hung && len(log) < until {
			continue
		}
		told := ingest.Source{Partition: w.source, Partitions: w.partitions, Offset: -1, Index: ingest.WholeRecord, High: never}
		if empty[w.source] {
			if r.IntN(4) == 0 {
				add(&ingest.Batch{Source: told})
			}
			continue
		}
		if w.next > 0 && r.IntN(6) == 0 { // a heartbeat, sometimes of an idle source
			last := pieces[w.source][w.next-1].told
			whole := w.next == len(pieces[w.source]) || pieces[w.source][w.next].told.Offset > last.Offset
			if whole {
				w.high = max(w.high, last.High)
				if r.IntN(3) == 0 && w.high != never && w.high != ended {
					w.high += r.Int64N(2 * s.width)
				}
				told.Offset, told.High = last.Offset, w.high
				add(&ingest.Batch{Source: told})
				continue
			}
		}
		if w.next == len(pieces[w.source]) {
			writers = slices.Delete(writers, n, n+1)
			continue
		}
		p := pieces[w.source][w.next]
		told = p.told
		told.Partitions, told.High = w.partitions, max(told.High, w.high)
		add(&ingest.Batch{Time: p.time, Spans: p.spans, Source: told})
		w.next++
		written[w.source] = max(written[w.source], w.next)
	}
	return log
}

// TestCrashOfRekeyed is TestCrashAnywhere for logs that were copied from several sources.
func TestCrashOfRekeyed(t *testing.T) {
	logs := 4000
	if testing.Short() {
		logs = 1500
	}
	crashes, partials, lost := 0, 0, map[Reason]int64{}
	for seed := range uint64(logs) {
		r := rand.New(rand.NewPCG(seed, 11))
		shape := randomCopyShape(r)
		shape.rowCap = []int{1, 2, 4, 0, 0, 0}[r.IntN(6)]
		if seed%4 == 0 {
			dedupeSometimes(&shape.logShape, seed/4)
		}
		log := copiedLog(r, shape)
		if seed%8 == 0 {
			tieSpans(r, log)
		}
		n, closed := crashed(t, fmt.Sprintf("seed %d %+v", seed, shape), r, shape.config(), log, lost)
		crashes, partials = crashes+n, partials+closed
	}
	t.Logf("%d crashes in %d logs, %d partials, lost %v", crashes, logs, partials, lost)
	if crashes < logs || partials < 5*logs {
		t.Errorf("only %d crashes and %d partials", crashes, partials)
	}
	for _, reason := range []Reason{ReasonRewritten, ReasonLate, ReasonPairedLate, ReasonDuplicate, ReasonHalfCap} {
		if lost[reason] == 0 {
			t.Errorf("nothing was lost by %s: the logs are not hostile enough", reason)
		}
	}
}

// TestRestartHearsTheSame: where a restored machine begins to apply records it knows of its
// sources exactly what the machine knew that came there first, though its commit holds none
// of it.
func TestRestartHearsTheSame(t *testing.T) {
	commits, back := 0, int64(0)
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 12))
		shape := randomCopyShape(r)
		log := copiedLog(r, shape)
		p := mustPartition(t, shape.config())
		for _, b := range log {
			p.Apply(b)
			if r.IntN(10) > 0 {
				continue
			}
			c := p.Commit(AllAcknowledged)
			resume, err := ParseCommit(c)
			if err != nil {
				t.Fatal(err)
			}
			first, again := mustPartition(t, shape.config()), restored(t, shape.config(), &c)
			for _, b := range log {
				if b.Offset >= resume.from {
					break
				}
				first.Apply(b)
				if b.Offset >= c.Offset {
					again.Apply(b)
				}
			}
			if first.high != again.high || !reflect.DeepEqual(first.sources, again.sources) {
				t.Fatalf("seed %d, offset %d: commit %+v\n got %d %+v\nwant %d %+v", seed, b.Offset, resume, again.high, again.sources, first.high, first.sources)
			}
			commits++
			back += resume.from - c.Offset
		}
	}
	t.Logf("%d commits, %d offsets of listening each", commits, back/int64(commits))
}

// TestRekeyedOracle compares the machine with an oracle that looks at the whole log for
// every question of time.
func TestRekeyedOracle(t *testing.T) {
	edges, lost := 0, map[Reason]int64{}
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 13))
		shape := randomCopyShape(r)
		log := copiedLog(r, shape)
		shape.rekeyed = func(n int) (mark int64, again bool) { return rekeyedMark(shape, log, n) }
		edges += likeTheOracleOf(t, fmt.Sprintf("seed %d", seed), shape.config(), shape.logShape, log, lost)
	}
	t.Logf("%d rows of edges, lost %v", edges, lost)
	if edges < 1000 || lost[ReasonRewritten] == 0 || lost[ReasonLate] == 0 {
		t.Errorf("%d rows of edges, lost %v", edges, lost)
	}
}

// rekeyedMark says from the rules up to which event time the log is complete after record n,
// and whether that record had come before.
func rekeyedMark(s copyShape, log []*ingest.Batch, n int) (mark int64, again bool) {
	told := log[n].Source
	all := 0
	high := map[int]int64{}
	for i, b := range log[:n+1] {
		o := b.Source
		if o.Partitions == 0 {
			continue
		}
		all = max(all, o.Partitions)
		if o.High == never && o.Index == ingest.WholeRecord {
			o.High = waived
		}
		if h, ok := high[o.Partition]; !ok || h < o.High {
			high[o.Partition] = o.High
		}
		if i < n && o.Partition == told.Partition && (o.Offset > told.Offset || o.Offset == told.Offset && o.Index >= told.Index) {
			again = again || told.Partitions > 0
		}
	}
	var waited []int64
	for _, h := range high {
		if h != waived {
			waited = append(waited, h)
		}
	}
	if len(high) < all || len(waited) == 0 {
		return never, again
	}
	mark = slices.Min(waited)
	if real := slices.DeleteFunc(waited, func(h int64) bool { return h == ended || h == never }); len(real) > 0 {
		mark = max(mark, slices.Max(real)-s.lead)
	}
	if mark <= 0 {
		return never, again
	}
	return mark, again
}
