package stage

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

// growingLog is a log whose spans are keyed by trace over two partitions for the first
// half, and over four afterwards. Some traces have a half in each.
func growingLog(seconds int) (before, after []kafka.Record) {
	r := rand.New(rand.NewPCG(31, 7))
	type timed struct {
		at     int64
		record kafka.Record
	}
	var log []timed
	change := epoch + int64(seconds/2)*sec
	for i := range seconds {
		now := epoch + int64(i)*sec
		for range 1 + r.IntN(4) {
			id := [16]byte{byte(r.Uint32()), byte(r.Uint32()), byte(i >> 8), byte(i)}
			at := now
			for _, span := range randomTrace(r, id, now) {
				partitions := 2
				if at >= change {
					partitions = 4
				}
				log = append(log, timed{at, kafka.Record{
					Topic: "spans", Partition: int(id[0]) % partitions, Time: at, Value: otlp.AppendTraces(nil, []otlp.ResourceSpans{span}),
				}})
				at += r.Int64N(30) * sec // the other half comes later
			}
		}
	}
	slices.SortStableFunc(log, func(a, b timed) int { return cmp.Compare(a.at, b.at) })
	for _, l := range log {
		if l.at < change {
			before = append(before, l.record)
		} else {
			after = append(after, l.record)
		}
	}
	for p := range 4 {
		after = append(after, mark(slice.Source{Topic: "spans", Partition: p}, epoch+int64(seconds)*sec, true))
	}
	return before, after
}

// growth runs two processes on a topic of spans that is given two more partitions, and
// holds what they make of it against what the machines make of the final log.
func growth(t *testing.T, connect func() *kafka.Client, grow func()) {
	g := testGraph()
	g.MetricTopics = nil
	// Event time runs a hundred times as fast as the clock: so this is two seconds, in
	// which the new partitions must be found.
	g.Lateness = 200 * time.Second
	before, after := growingLog(600)
	log := slices.Concat(before, after)
	want, _ := snapshotsOver(t, g, log, 4)

	c := connect()
	var members []Options
	var stops []func()
	for range 2 {
		o := options(t, connect(), g)
		o.WatchInterval, o.SessionTimeout = 100*time.Millisecond, 6*time.Second
		members = append(members, o)
		stops = append(stops, pipeline(t, o))
	}
	shared(t, members)
	pace := 3 * time.Second / time.Duration(len(before)/100)
	write(t, c, before, pace)
	grow()
	write(t, c, after, pace)
	got := collect(t, c, "slices", len(want))
	// At once: whoever takes the assembler over reads shares again, and counts them as late.
	var stopping sync.WaitGroup
	for _, stop := range stops {
		stopping.Go(stop)
	}
	stopping.Wait()

	var encoded [][]byte
	requests, unpaired := 0.0, 0.0
	for _, s := range want {
		if !s.Complete {
			t.Errorf("slice %d is not complete: %v", s.Index, s.Missing)
		}
		for i := range s.Nodes.Service {
			requests += s.Nodes.Requests.Value[i]
			unpaired += s.Nodes.Unpaired.Value[i]
		}
		encoded = append(encoded, encode(t, s))
	}
	same(t, got, encoded)
	serving, straddling := countTraces(before, after)
	t.Logf("%d slices, %v requests, %v halves unpaired, %d traces straddle the change", len(got), requests, unpaired, straddling)
	if int(requests) != serving || straddling == 0 || int(unpaired) < 2*straddling {
		t.Errorf("%v requests and %v unpaired; %d server spans are in the log and %d traces were cut", requests, unpaired, serving, straddling)
	}
	for i, o := range members {
		if n := o.Metrics.Totals(); n.Incomplete > 0 || n.PartialLoss[string(windower.ReasonTooLate)] > 0 || len(n.SpansDropped) > 0 {
			t.Errorf("process %d: %+v", i, n)
		}
	}
}

// countTraces counts server spans, and the traces whose halves lie in two partitions.
func countTraces(before, after []kafka.Record) (serving, straddling int) {
	where := map[[16]byte]int{}
	r := otlp.NewTraceReader(otlp.Limits{})
	for _, rec := range slices.Concat(before, after) {
		if len(rec.Value) == 0 {
			continue
		}
		v := &visitor{}
		if err := r.Read(rec.Value, v); err != nil {
			panic(err)
		}
		for _, s := range v.spans {
			if s.Kind == 2 {
				serving++
			}
			if p, ok := where[s.TraceID]; ok && p != rec.Partition {
				straddling++
			}
			where[s.TraceID] = rec.Partition
		}
	}
	return serving, straddling
}

// visitor notes the spans of a message.
type visitor struct{ spans []otlp.Span }

func (v *visitor) Resource([]byte) error { return nil }
func (v *visitor) Span(s *otlp.Span) error {
	v.spans = append(v.spans, *s)
	return nil
}

func TestTopicGrows(t *testing.T) {
	b := startBroker(t)
	growth(t, func() *kafka.Client { return dial(t, b) }, func() {
		if err := b.Grow("spans", 4); err != nil {
			t.Fatal(err)
		}
	})
}

// TestNewPartitionWithoutSpans: nobody writes to the partitions that were added, and the
// slices go on after the idle time-out.
func TestNewPartitionWithoutSpans(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.MetricTopics = nil
	g.IdleTimeout = 30 * time.Second
	o := options(t, c, g)
	o.Now, o.WatchInterval = newClock(100).now, 50*time.Millisecond
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	both := func(second int64) []kafka.Record {
		return []kafka.Record{span(0, epoch+second*sec), span(1, epoch+second*sec)}
	}
	if err := p.Write(within(t), append(both(1), both(18)...)); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, o)
	next(t, c, 1)
	if err := b.Grow("spans", 3); err != nil {
		t.Fatal(err)
	}
	for testutil.CollectAndCount(o.Metrics.lag) < 3 && within(t).Err() == nil {
		time.Sleep(10 * time.Millisecond) // until the new partition has an owner
	}
	if err := p.Write(within(t), both(40)); err != nil {
		t.Fatal(err)
	}
	got := next(t, c, 2)
	stop()
	if s := got[1]; !s.Complete || len(s.Missing) > 0 || s.Nodes.Requests.Value[0] != 2 {
		t.Errorf("slice %d: complete %v, missing %v, %v", s.Index, s.Complete, s.Missing, s.Nodes.Requests)
	}
}
