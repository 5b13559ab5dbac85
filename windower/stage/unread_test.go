package stage

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/internal/transcript"
	"presage/windower"
)

// unreadable makes one partition of spans so until its Remove is called.
func unreadable(b *broker.Broker, partition int32) *kfake.FaultHandle {
	return b.Cluster().Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, Topic: "spans", Partitions: []int32{partition}, Err: kerr.LeaderNotAvailable, Count: -1,
	})
}

// TestUnreadablePartition: one of two partitions can't be read. Slices go on without it, once it was
// waited for, and have its spans in a second revision when it can be read again.
func TestUnreadablePartition(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.MetricTopics = nil
	g.MaxWait = 120 * time.Second
	var said transcript.Transcript
	o := options(t, c, g)
	// A minute is three seconds, and the log says so after five.
	o.Now, o.Log = newClock(20).now, slog.New(slog.NewTextHandler(&said, nil))
	const slices, behind = 40, 30 // partition 0 would wait when ten slices ahead
	fault := unreadable(b, 1)
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	var rest []kafka.Record
	for i := range int64(slices) {
		rest = append(rest, span(1, epoch+i*10*sec+2*sec))
	}
	if err := p.Write(within(t), rest); err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, o)
	for i := range int64(slices) { // one after the other, so that it waits between them
		if err := p.Write(within(t), []kafka.Record{span(0, epoch+i*10*sec+sec)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	got := next(t, c, behind)
	for i, s := range got {
		if s.Complete || len(s.Missing) != 1 || s.Missing[0] != "spans/1" {
			t.Errorf("slice %d: complete %v, missing %v, %v", i, s.Complete, s.Missing, s.Nodes.Requests)
		}
	}
	for ctx := within(t); !strings.Contains(said.String(), "the partition can't be read: ") && ctx.Err() == nil; {
		time.Sleep(20 * time.Millisecond)
	}
	if n := testutil.ToFloat64(o.Metrics.unread.WithLabelValues("shop", "spans", "1")); n < hungAfter.Seconds() {
		t.Errorf("the metric says %v s", n)
	}
	fault.Remove()
	again := 0
	for _, s := range next(t, c, behind+10)[behind:] {
		if s.Revision == 2 && s.Nodes.Requests.Value[0] == 2 {
			again++
		}
	}
	stop()
	if again == 0 {
		t.Error("no slice came again with the spans of the other partition")
	}
	if n := testutil.CollectAndCount(o.Metrics.unread); n > 0 {
		t.Errorf("%d gauges of partitions that are not owned any more", n)
	}
	if text := said.String(); strings.Count(text, "the partition can't be read: ") != 1 || strings.Count(text, "the partition can be read again") != 1 {
		t.Errorf("log %s", text)
	}
}

// TestUnreadablePartitionIsNeeded: where no slice closes without all partitions, they wait.
func TestUnreadablePartitionIsNeeded(t *testing.T) {
	b := startBroker(t)
	c := dial(t, b)
	o := options(t, c, testGraph())
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	s := &partitionStage{Options: o, producer: kafka.NewProducer(c, kafka.ProducerConfig{}), gate: newGate(int64(time.Hour), o.Now)}
	for _, tt := range []struct {
		topic         string
		spans, metric time.Duration
		needed        bool
	}{
		{"spans", 0, time.Minute, true}, {"metrics", 0, time.Minute, false}, {"metrics", 0, 0, true},
		{"spans", time.Minute, 0, false}, {"metrics", time.Minute, 0, false},
	} {
		s.Graph.MaxWait, s.Graph.MetricsWait = tt.spans, tt.metric
		w, err := s.restore(within(t), &silent{record: kafka.Record{Topic: tt.topic}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.publisher.close(); err != nil {
			t.Error(err)
		}
		if w.member.needed != tt.needed {
			t.Errorf("%+v: needed %v", tt, w.member.needed)
		}
	}
}

// TestRekeyUnreadablePartition: of four source partitions one can't be read. The others are copied,
// by the process that has it and by another, and the re-keyed topic may grow meanwhile; when it can be
// read again nothing is late.
func TestRekeyUnreadablePartition(t *testing.T) {
	b, c := mixedBroker(t, 2)
	_, log := mixedLog(91, 600)
	fault := unreadable(b, 1)
	clock := newClock(20)
	var stops []func() error
	for range 2 {
		o := options(t, dial(t, b), rekeyedGraph())
		o.Now = clock.now
		stops = append(stops, rekeying(o))
	}
	write(t, c, log[:len(log)/2], 30*time.Millisecond)
	if err := b.Grow(byTraceTopic, 3); err != nil {
		t.Fatal(err)
	}
	write(t, c, log[len(log)/2:], 30*time.Millisecond)
	held := map[int]int{}
	for _, r := range log {
		held[r.Partition]++
	}
	copied := func(p int) bool {
		commits, err := c.Committed(within(t), RekeyGroup("spans"), "spans")
		if err != nil {
			t.Fatal(err)
		}
		at, err := windower.ParseCopied(windower.Commit(commits[p]))
		return err == nil && at.Next == int64(held[p])
	}
	await := func(p int) {
		t.Helper()
		for ctx := within(t); !copied(p); time.Sleep(50 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("partition %d is not copied", p)
			}
		}
	}
	for _, p := range []int{0, 2, 3} {
		await(p)
	}
	if copied(1) {
		t.Error("what can't be read is copied")
	}
	fault.Remove()
	await(1)
	for _, stop := range stops {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	exactlyOnce(t, c, withSpans(log))
}

// withSpans are the records that hold spans.
func withSpans(log []kafka.Record) (out []kafka.Record) {
	for _, r := range log {
		if len(r.Value) > 0 {
			out = append(out, r)
		}
	}
	return out
}
