package stage

import (
	"context"
	"errors"
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower/slice"
)

// TestLostOffset: a telemetry topic whose retention has overrun the place that the group had committed.
func TestLostOffset(t *testing.T) {
	tests := []struct {
		name   string
		policy kafka.Policy
		lost   int64
		first  int64 // the first slice written
		stops  bool
	}{
		{"earliest", kafka.Earliest, 30, 3, false},
		{"latest", kafka.Latest, 40, 5, false},
		{"stop", kafka.Stop, 0, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, o := overrun(t)
			o.OnLostOffset = test.policy
			if test.stops {
				err := RunPartitions(within(t), o)
				var out *kafka.OutOfRangeError
				if !errors.As(err, &out) || out.Offset != 0 || out.First != 30 || out.End != 40 {
					t.Fatalf("error %v", err)
				}
				t.Log(err)
				return
			}
			ctx, done := context.WithCancel(within(t))
			ended := make(chan error, 1)
			go func() { ended <- RunPartitions(ctx, o) }()
			defer func() {
				done()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			}()
			awaitLost(t, c, test.lost)
			p := kafka.NewProducer(c, kafka.ProducerConfig{})
			if err := p.Write(within(t), []kafka.Record{lostSpan(50), lostSpan(66)}); err != nil {
				t.Fatal(err)
			}
			if first := firstPartial(t, c); first != epoch/(10*sec)+test.first {
				t.Errorf("the first slice is %d, expected %d", first-epoch/(10*sec), test.first)
			}
		})
	}
}

// overrun is a partition of forty seconds with a record a second, of which retention leaves ten though the group has
// committed none.
func overrun(t *testing.T) (*kafka.Client, Options) {
	b := startBroker(t)
	c := dial(t, b)
	g := testGraph()
	g.MetricTopics = nil
	o := options(t, c, g)
	var log []kafka.Record
	for i := range int64(40) {
		log = append(log, lostSpan(i))
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), log); err != nil {
		t.Fatal(err)
	}
	// A member commits the beginning and leaves.
	ctx, done := context.WithCancel(within(t))
	err := c.RunGroup(ctx, kafka.GroupConfig{ID: PartitionGroup(g.Name), Topics: g.SpanTopics, SessionTimeout: o.SessionTimeout}, func(ctx context.Context, a kafka.Assignment) error {
		if a.Partition() != 0 {
			return nil
		}
		w, err := (&partitionStage{Options: o, gate: newGate(0, o.Now), producer: kafka.NewProducer(c, kafka.ProducerConfig{})}).restore(ctx, a)
		if err != nil {
			return err
		}
		defer func() { _ = w.publisher.close() }()
		defer done()
		return a.Commit(ctx, kafka.Commit(w.machine.Commit(w.publisher.unacknowledged())))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Cluster().DeleteRecords("spans", 0, 30); err != nil {
		t.Fatal(err)
	}
	return c, o
}

func lostSpan(second int64) kafka.Record {
	at := epoch + second*sec
	span := otlp.Span{TraceID: [16]byte{1, byte(second)}, SpanID: [8]byte{1}, Name: "serve", Kind: 2, Start: at, End: at + 1000}
	return kafka.Record{Topic: "spans", Time: at, Value: otlp.AppendTraces(nil, []otlp.ResourceSpans{{
		Resource: []otlp.KeyValue{otlp.String("service.name", "s")}, Spans: []otlp.Span{span},
	}})}
}

// awaitLost waits until the client has counted lost records.
func awaitLost(t *testing.T, c *kafka.Client, n int64) {
	t.Helper()
	for ctx := within(t); c.Stats().RecordsLost == 0; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("nothing was lost")
		}
	}
	if lost := c.Stats().RecordsLost; lost != n {
		t.Errorf("%d records counted as lost, expected %d", lost, n)
	}
}

// firstPartial is the slice of the first partial with rows.
func firstPartial(t *testing.T, c *kafka.Client) (first int64) {
	t.Helper()
	ctx, done := context.WithCancel(within(t))
	defer done()
	err := c.Follow(ctx, testTopics.Partials, kafka.Partition([]byte("shop"), 2), kafka.FirstOffset, kafka.FetchConfig{}, func(records []kafka.Record, _ int64) error {
		for _, r := range records {
			p, _, _, err := slice.DecodePartial(r.Value)
			if err != nil {
				return err
			}
			if !p.Empty() {
				first = p.Index
				done()
				return nil
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return first
}
