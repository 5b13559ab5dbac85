package stage

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

const byTraceTopic = "spans.by_trace"

// rekeyedGraph reads what is copied from the topic spans.
func rekeyedGraph() Graph {
	g := testGraph()
	g.SpanTopics, g.MetricTopics, g.Rekeyed = []string{byTraceTopic}, nil, true
	return g
}

// mixedLog is a log of calls, twice: keyed by trace over two partitions, and with the spans
// of a second in records of any traces, which go to any of four partitions. Nothing is late.
func mixedLog(seed uint64, seconds int) (keyed, mixed []kafka.Record) {
	r := rand.New(rand.NewPCG(seed, 9))
	for i := range seconds {
		now := epoch + int64(i)*sec
		var spans []otlp.ResourceSpans
		for range 1 + r.IntN(4) {
			id := [16]byte{byte(r.Uint32()), byte(r.Uint32()), byte(i >> 8), byte(i)}
			trace := randomTrace(r, id, now)
			keyed = append(keyed, kafka.Record{Topic: "spans", Partition: int(id[0]) % 2, Time: now, Value: otlp.AppendTraces(nil, trace)})
			spans = append(spans, trace...)
		}
		r.Shuffle(len(spans), func(i, j int) { spans[i], spans[j] = spans[j], spans[i] })
		for len(spans) > 0 {
			n := 1 + r.IntN(len(spans))
			mixed = append(mixed, kafka.Record{Topic: "spans", Partition: r.IntN(4), Time: now, Value: otlp.AppendTraces(nil, spans[:n])})
			spans = spans[n:]
		}
		if i%10 == 9 || i == seconds-1 {
			for p := range 4 {
				m := mark(slice.Source{Topic: "spans", Partition: p}, now, i == seconds-1)
				if mixed = append(mixed, m); p < 2 {
					keyed = append(keyed, m)
				}
			}
		}
	}
	return keyed, mixed
}

// mixedBroker holds an empty topic of four partitions, and what it is re-keyed into.
func mixedBroker(t testing.TB, targets int) (*broker.Broker, *kafka.Client) {
	t.Helper()
	b := brokerOf(t, 4)
	c := dial(t, b)
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: byTraceTopic, Partitions: targets}}); err != nil {
		t.Fatal(err)
	}
	return b, c
}

// rekeying runs RunRekey until stop is called, which gives its error.
func rekeying(o Options) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- RunRekey(ctx, o, "spans", byTraceTopic) }()
	return func() error {
		cancel()
		return <-done
	}
}

// rekeyedInto copies all there is, and holds the slices against those wanted.
func rekeyedInto(t testing.TB, c *kafka.Client, o Options, want [][]byte) {
	t.Helper()
	stop, copied := pipeline(t, o), rekeying(o)
	got := collect(t, c, "slices", len(want))
	stop()
	if err := copied(); err != nil {
		t.Error(err)
	}
	same(t, got, want)
}

// writing writes a log beside the test, fifty records at a time, and gives the error of that.
func writing(t testing.TB, c *kafka.Client, log []kafka.Record, pause time.Duration) <-chan error {
	written := make(chan error, 1)
	go func() {
		p := kafka.NewProducer(c, kafka.ProducerConfig{})
		for i := 0; i < len(log); i += 50 {
			if err := p.Write(t.Context(), log[i:min(i+50, len(log))]); err != nil {
				written <- err
				return
			}
			time.Sleep(pause)
		}
		written <- nil
	}()
	return written
}

func wanted(t testing.TB, keyed []kafka.Record) [][]byte {
	t.Helper()
	g := testGraph()
	g.MetricTopics = nil
	want, _ := inMemoryOver(t, g, keyed, 2)
	return want
}

// TestRekeyedEqualsKeyed: the slices of spans that are spread at random, re-keyed into any
// number of partitions, are those of the spans keyed by trace id.
func TestRekeyedEqualsKeyed(t *testing.T) {
	keyed, mixed := mixedLog(41, 400)
	want := wanted(t, keyed)
	for _, targets := range []int{1, 2, 4} {
		t.Run(fmt.Sprint(targets), func(t *testing.T) {
			_, c := mixedBroker(t, targets)
			o := options(t, c, rekeyedGraph())
			stop, copied := pipeline(t, o), rekeying(o)
			write(t, c, mixed, 5*time.Millisecond)
			got := collect(t, c, "slices", len(want))
			stop()
			if err := copied(); err != nil {
				t.Error(err)
			}
			same(t, got, want)
			if n := o.Metrics.Totals(); len(n.SpansDropped)+len(n.Reduced) > 0 {
				t.Errorf("totals %+v", n)
			}
			if n := testutil.CollectAndCount(o.Metrics.rekey.lag); n > 0 {
				t.Errorf("%d gauges of partitions that are not owned any more", n)
			}
			if n := testutil.CollectAndCount(o.Metrics.halfOutcomes); n > 0 {
				t.Errorf("the keys of a re-keyed topic are watched: %d counters", n)
			}
		})
	}
}

// TestRekeyKilledAnywhere kills those who copy, and those who read the copy, at random
// moments while the log is being written. Two share the copying.
func TestRekeyKilledAnywhere(t *testing.T) {
	for seed := range uint64(2) {
		b, c := mixedBroker(t, 3)
		keyed, mixed := mixedLog(50+seed, 1200)
		want := wanted(t, keyed)
		written := writing(t, c, mixed, 10*time.Millisecond)
		r := rand.New(rand.NewPCG(seed, 3))
		var lives []Options
		for range 6 {
			clients := []*kafka.Client{dial(t, b), dial(t, b), dial(t, b)}
			lives = append(lives, options(t, clients[0], rekeyedGraph()))
			stop := pipelineUntilKilled(t, lives[len(lives)-1])
			var copying []func() error
			for _, client := range clients[1:] {
				o := options(t, client, rekeyedGraph())
				o.CommitInterval = 300 * time.Millisecond // so that there is something to write again
				copying = append(copying, rekeying(o))
			}
			time.Sleep(time.Duration(50+r.IntN(400)) * time.Millisecond)
			for _, client := range clients {
				if r.IntN(3) > 0 {
					client.Close() // nothing can be written or committed from here on
				}
			}
			for _, end := range copying {
				if err := end(); err != nil {
					t.Log(err)
				}
			}
			stop()
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		o := options(t, c, rekeyedGraph())
		rekeyedInto(t, c, o, want)
		rewritten := int64(0)
		for _, l := range append(lives, o) {
			for reason, n := range l.Metrics.Totals().SpansDropped {
				if rewritten += n; reason != string(windower.ReasonRewritten) {
					t.Errorf("%d spans dropped: %s", n, reason)
				}
			}
		}
		t.Logf("%d snapshots; spans of records that were written twice: %d", len(want), rewritten)
		if rewritten == 0 {
			t.Error("nothing was written twice")
		}
	}
}

// TestRekeyMembersComeAndGo: of those who copy one joins, and one leaves, while the log is
// being written.
func TestRekeyMembersComeAndGo(t *testing.T) {
	b, c := mixedBroker(t, 2)
	keyed, mixed := mixedLog(61, 900)
	want := wanted(t, keyed)
	stop := pipeline(t, options(t, c, rekeyedGraph()))
	first := rekeying(options(t, dial(t, b), rekeyedGraph()))
	third := len(mixed) / 3
	write(t, c, mixed[:third], 20*time.Millisecond)
	second := rekeying(options(t, dial(t, b), rekeyedGraph()))
	write(t, c, mixed[third:2*third], 20*time.Millisecond)
	if err := first(); err != nil {
		t.Error(err)
	}
	write(t, c, mixed[2*third:], 20*time.Millisecond)
	got := collect(t, c, "slices", len(want))
	stop()
	if err := second(); err != nil {
		t.Error(err)
	}
	same(t, got, want)
}

// TestRekeyedIdle: one source partition goes silent, three were never written to.
func TestRekeyedIdle(t *testing.T) {
	_, c := mixedBroker(t, 2)
	g := rekeyedGraph()
	g.IdleTimeout = 30 * time.Second
	o := options(t, c, g)
	o.Now = newClock(100).now
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{span(0, epoch+sec), span(0, epoch+12*sec)}); err != nil {
		t.Fatal(err)
	}
	stop, copied := pipeline(t, o), rekeying(o)
	got := next(t, c, 2)
	stop()
	if err := copied(); err != nil {
		t.Error(err)
	}
	for i, s := range got {
		if !s.Complete || s.Index != epoch/(10*sec)+int64(i) || s.Nodes.Requests.Value[0] != 1 {
			t.Errorf("slice %d: index %d, complete %v, missing %v, %v", i, s.Index, s.Complete, s.Missing, s.Nodes.Requests)
		}
	}
}

// TestRekeyDeadLetters: what can't be decoded is a dead letter of its own topic, once, and is
// passed.
func TestRekeyDeadLetters(t *testing.T) {
	began := time.Now()
	_, c := mixedBroker(t, 2)
	o := options(t, c, rekeyedGraph())
	rubbish := kafka.Record{Topic: "spans", Partition: 1, Time: epoch, Value: []byte("rubbish")}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{span(1, epoch+sec), rubbish, span(1, epoch+2*sec)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		copied := rekeying(o)
		waitForEnd(t, c, "dead", 0, 1)
		time.Sleep(300 * time.Millisecond)
		if err := copied(); err != nil {
			t.Error(err)
		}
	}
	if n := end(t, c, "dead"); n != 1 {
		t.Errorf("%d dead letters, want 1", n)
	}
	var offsets []int64
	for _, r := range recordsOf(t, c, byTraceTopic) {
		s, err := ingest.ParseSource(r.Headers[0].Value)
		if err != nil || len(r.Headers) != 1 || r.Headers[0].Key != ingest.HeaderSource {
			t.Fatalf("headers %v: %v", r.Headers, err)
		}
		if s.Heartbeat() {
			continue
		}
		offsets = append(offsets, s.Offset)
		id := [16]byte{1}
		if want := hex.EncodeToString(id[:]); string(r.Key) != want || r.Partition != otlp.TracePartition(id[:], 2) {
			t.Errorf("record %+v", r)
		}
		if s.Partition != 1 || s.Partitions != 4 || s.High != epoch+(1+s.Offset/2)*sec || s.Time != epoch+(1+s.Offset/2)*sec {
			t.Errorf("source %+v", s)
		}
		if r.Time < began.UnixMilli()*1e6 {
			t.Errorf("a copy is of %v, before it was written: its retention would have begun then", time.Unix(0, r.Time))
		}
	}
	if fmt.Sprint(offsets) != "[0 2]" {
		t.Errorf("offsets %v were copied", offsets)
	}
}

// recordsOf reads all of a topic.
func recordsOf(t testing.TB, c *kafka.Client, topic string) (out []kafka.Record) {
	t.Helper()
	ends, err := c.Ends(within(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	for p, e := range ends {
		if err := c.ReadRange(within(t), topic, p, e.First, e.End, func(records []kafka.Record) error {
			for _, r := range records {
				r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
				r.Headers = append([]kafka.Header(nil), r.Headers...)
				for i := range r.Headers {
					r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
				}
				out = append(out, r)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestRekeyUnreadableCommit: a commit of somebody else makes it copy all once more, and
// readers leave that out.
func TestRekeyUnreadableCommit(t *testing.T) {
	_, c := mixedBroker(t, 2)
	keyed, mixed := mixedLog(81, 200)
	want := wanted(t, keyed)
	half := len(mixed) / 2
	write(t, c, mixed[:half], 0)
	o := options(t, c, rekeyedGraph())
	copied := rekeying(o)
	for lag := 1; lag > 0; time.Sleep(20 * time.Millisecond) {
		commits, err := c.Committed(within(t), RekeyGroup("spans"), "spans")
		lag = half
		if err != nil {
			t.Log(err) // the group is not there yet
			continue
		}
		for _, at := range commits {
			lag -= int(at.Offset)
		}
	}
	if err := copied(); err != nil {
		t.Fatal(err)
	}
	// As a tool that sets offsets does.
	ctx, done := context.WithCancel(within(t))
	err := c.RunGroup(ctx, kafka.GroupConfig{ID: RekeyGroup("spans"), Topics: []string{"spans"}, SessionTimeout: time.Second}, func(ctx context.Context, a kafka.Assignment) error {
		defer time.AfterFunc(300*time.Millisecond, done)
		return a.Commit(ctx, kafka.Commit{Offset: 3, Metadata: "by hand"})
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, c, mixed[half:], 0)
	rekeyedInto(t, c, o, want)
	if n := o.Metrics.Totals().SpansDropped[string(windower.ReasonRewritten)]; n == 0 {
		t.Error("nothing was written twice")
	}
}

// TestHeartbeatDue says when a partition is told how far a source is.
func TestHeartbeatDue(t *testing.T) {
	g := rekeyedGraph() // slices of 10 s, 5 s of lateness
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		name   string
		high   int64
		waived bool
		told   int64
		ago    time.Duration // negative: never
		due    bool
	}{
		{"nothing to tell", ingest.NoTime, false, ingest.NoTime, -1, false},
		{"never told", epoch, false, ingest.NoTime, -1, true},
		{"an empty source", ingest.NoTime, true, ingest.NoTime, -1, true},
		{"an empty source, told", ingest.NoTime, true, ingest.NoTime, 9 * time.Second, false},
		{"an empty source, long ago", ingest.NoTime, true, ingest.NoTime, 10 * time.Second, true},
		{"not empty any more", epoch, false, ingest.NoTime, 2 * time.Second, true},
		{"just told", epoch + 60*sec, false, epoch, 900 * time.Millisecond, false},
		{"another slice", epoch + 15*sec, false, epoch + 14*sec, 2 * time.Second, true},
		{"the same slice", epoch + 24*sec, false, epoch + 15*sec, 2 * time.Second, false},
		{"the same slice, long ago", epoch + 24*sec, false, epoch + 24*sec, 10 * time.Second, true},
		{"the end", ingest.EndOfTime, false, epoch, 0, true},
		{"the end, told", ingest.EndOfTime, false, ingest.EndOfTime, 9 * time.Second, false},
		{"the end, told long ago", ingest.EndOfTime, false, ingest.EndOfTime, 10 * time.Second, true},
	} {
		c := &copier{rekeyStage: &rekeyStage{Options: Options{Graph: g}}, copied: windower.Copied{High: tt.high}, tellings: tellings{waived: tt.waived}}
		told := telling{high: ingest.NoTime}
		if tt.ago >= 0 {
			told = telling{tt.told, now.Add(-tt.ago)}
		}
		if due := c.due(&told, now); due != tt.due {
			t.Errorf("%s: due %v", tt.name, due)
		}
	}
}
