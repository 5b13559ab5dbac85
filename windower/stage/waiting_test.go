package stage

import (
	"context"
	"sync"
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower/slice"
)

// clock is a wall clock that runs as fast as a test tells it to.
type clock struct {
	mu    sync.Mutex
	start time.Time
	speed time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(time.Since(c.start) * c.speed)
}

func newClock(speed int) *clock { return &clock{start: time.Now(), speed: time.Duration(speed)} }

func span(p int, at int64) kafka.Record {
	return kafka.Record{Topic: "spans", Partition: p, Time: at, Value: otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", "cart")},
		Spans:    []otlp.Span{{TraceID: [16]byte{1}, SpanID: [8]byte{1, byte(at / sec)}, Kind: 2, Start: at - 1000, End: at}},
	}})}
}

// next follows the slices and gives the first n.
func next(t *testing.T, c *kafka.Client, n int) (out []*slice.Snapshot) {
	t.Helper()
	ctx, done := context.WithCancel(within(t))
	defer done()
	if err := FollowSlices(ctx, SlicesConfig{Client: c, Topic: "slices", Graph: "shop", From: kafka.FirstOffset}, func(s *slice.Snapshot, _, _ int64) error {
		if s != nil {
			out = append(out, s)
		}
		if len(out) >= n {
			done()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(out) < n {
		t.Fatalf("%d of %d slices came", len(out), n)
	}
	return out
}

// TestIdleAndEmptyPartitionsAreNotWaitedFor: one partition of spans goes silent, the
// other was never written to, and so were metrics.
func TestIdleAndEmptyPartitionsAreNotWaitedFor(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.IdleTimeout = 30 * time.Second
	o := options(t, c, g)
	o.Now = newClock(100).now
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{span(0, epoch+sec), span(0, epoch+12*sec)}); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, o)
	got := next(t, c, 2)
	stop()
	for i, s := range got {
		if !s.Complete || s.Index != epoch/(10*sec)+int64(i) || s.Nodes.Requests.Value[0] != 1 {
			t.Errorf("slice %d: index %d, complete %v, missing %v, %v", i, s.Index, s.Complete, s.Missing, s.Nodes.Requests)
		}
	}
	// A restart makes the same advance, and the slices are not written again.
	stop = pipeline(t, o)
	time.Sleep(300 * time.Millisecond)
	stop()
	if n := slicesEnd(t, c); n != 2 {
		t.Errorf("%d records in the slices topic", n)
	}
}

// TestMaxWait closes a slice without the partition that says nothing, and again when
// that one does.
func TestMaxWait(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.MetricTopics = nil
	g.MaxWait = 60 * time.Second
	o := options(t, c, g)
	o.Now = newClock(100).now
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	if err := p.Write(within(t), []kafka.Record{span(0, epoch+sec), span(0, epoch+30*sec)}); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, o)
	got := next(t, c, 1)
	if s := got[0]; s.Complete || len(s.Missing) != 1 || s.Missing[0] != "spans/1" {
		t.Errorf("complete %v, missing %v", s.Complete, s.Missing)
	}
	if err := p.Write(within(t), []kafka.Record{span(1, epoch+2*sec), span(1, epoch+30*sec)}); err != nil {
		t.Fatal(err)
	}
	got = next(t, c, 2)
	stop()
	if s := got[1]; !s.Complete || s.Revision != 2 || s.Index != got[0].Index || s.Nodes.Requests.Value[0] != 2 {
		t.Errorf("revision %d of slice %d: complete %v, requests %v", s.Revision, s.Index, s.Complete, s.Nodes.Requests)
	}
	if n := o.Metrics.Totals(); n.Incomplete != 1 {
		t.Errorf("totals %+v", n)
	}
}

func TestMetricsWait(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.MetricsWait = 60 * time.Second
	o := options(t, c, g)
	o.Now = newClock(100).now
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{
		span(0, epoch+sec), mark(sources[0], epoch+30*sec, false), mark(sources[1], epoch+30*sec, false),
	}); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, o)
	got := next(t, c, 1)
	stop()
	if s := got[0]; !s.Complete || s.Revision != 1 {
		t.Errorf("complete %v, revision %d", s.Complete, s.Revision)
	}
}

// TestAnotherConfigurationIsRefused: the fingerprint of a graph is fixed.
func TestAnotherConfigurationIsRefused(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	log := randomLog(5, 60)
	want, _ := inMemory(t, testGraph(), log)
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), log); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, options(t, c, testGraph()))
	collect(t, c, "slices", len(want))
	stop()
	other := testGraph()
	other.Fingerprint++
	if err := RunPartitions(within(t), options(t, c, other)); err == nil {
		t.Error("partitions: no error")
	} else {
		t.Log(err)
	}
	if err := RunAssembler(within(t), options(t, c, other)); err == nil {
		t.Error("assembler: no error")
	} else {
		t.Log(err)
	}
}
