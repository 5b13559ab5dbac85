package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"presage/internal/broker"
	"presage/internal/kafka"
)

// injectFaults makes the broker fail a few requests of each kind.
func injectFaults(b *broker.Broker) {
	for _, f := range []kfake.Fault{
		{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "spans", Err: kerr.NotLeaderForPartition, Count: 2},
		{Keys: []kmsg.Key{kmsg.Produce}, Topic: "spans", Err: kerr.NotEnoughReplicas, Count: 2},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "spans", Err: kerr.LeaderNotAvailable, Count: 1},
		{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "spans", Err: kerr.BrokerNotAvailable, Count: 2},
		{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: "spans", Err: kerr.CoordinatorLoadInProgress, Count: 1},
	} {
		b.Cluster().Fault(f)
	}
}

func TestOutOfRange(t *testing.T) {
	tests := []struct {
		name    string
		offset  int64
		policy  kafka.Policy
		first   int64 // offset of the first record fetched; -1: an error
		lost    int64
		waiting bool // nothing to fetch: at the end
	}{
		{name: "trimmed, earliest", offset: 10, policy: kafka.Earliest, first: 40, lost: 30},
		{name: "trimmed, latest", offset: 10, policy: kafka.Latest, waiting: true, lost: 90},
		{name: "trimmed, stop", offset: 10, policy: kafka.Stop, first: -1},
		{name: "beyond, earliest", offset: 1000, policy: kafka.Earliest, first: -1},
		{name: "beyond, latest", offset: 1000, policy: kafka.Latest, first: -1},
		{name: "beyond, stop", offset: 1000, policy: kafka.Stop, first: -1},
		{name: "at the end", offset: 100, policy: kafka.Stop, waiting: true},
		{name: "first", offset: kafka.FirstOffset, policy: kafka.Stop, first: 40},
		{name: "last", offset: kafka.LastOffset, policy: kafka.Stop, waiting: true},
	}
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 100)
	if err := b.Cluster().DeleteRecords("spans", 0, 40); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var told []kafka.OutOfRange
			r := c.Read("spans", 0, test.offset, kafka.FetchConfig{
				MaxWait: 20 * time.Millisecond, OutOfRange: test.policy, OnOutOfRange: func(o kafka.OutOfRange) { told = append(told, o) },
			})
			before := c.Stats().RecordsLost
			records, end, err := r.Fetch(within(t))
			var out *kafka.OutOfRangeError
			if errors.As(err, &out) != (test.first == -1) {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				t.Log(err)
				return
			}
			if end != 100 || (len(records) == 0) != test.waiting || (!test.waiting && records[0].Offset != test.first) {
				t.Errorf("%d records up to %d", len(records), end)
			}
			if lost := c.Stats().RecordsLost - before; lost != test.lost {
				t.Errorf("%d records counted as lost", lost)
			}
			inRange := test.offset < 0 || test.offset == 100
			if inRange != (len(told) == 0) || (len(told) == 1 && told[0].Lost != test.lost) {
				t.Errorf("told %+v", told)
			}
		})
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for _, zstd := range []bool{false, true} {
		t.Run(fmt.Sprintf("zstd=%v", zstd), func(t *testing.T) {
			_, c := start(t, broker.Topic{Name: "spans"})
			in := []kafka.Record{
				{Topic: "spans", Key: []byte("k"), Value: []byte("v"), Time: 1_600_000_000_123_000_000, Headers: []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}}},
				{Topic: "spans"},
				{Topic: "spans", Key: []byte{}, Value: bytes.Repeat([]byte("large"), 180_000)},
			}
			if err := kafka.NewProducer(c, kafka.ProducerConfig{Zstd: zstd}).Write(within(t), in); err != nil {
				t.Fatal(err)
			}
			var out []kafka.Record
			if err := c.ReadRange(within(t), "spans", 0, kafka.FirstOffset, 3, func(records []kafka.Record) error {
				for _, r := range records {
					r.Key, r.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
					out = append(out, r)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(out) != 3 {
				t.Fatalf("%d records", len(out))
			}
			for i, r := range out {
				if !bytes.Equal(r.Key, in[i].Key) || (r.Key == nil) != (in[i].Key == nil) || !bytes.Equal(r.Value, in[i].Value) ||
					r.Offset != int64(i) || len(r.Headers) != len(in[i].Headers) {
					t.Errorf("record %d: key %q, %d bytes, offset %d, headers %v", i, r.Key, len(r.Value), r.Offset, r.Headers)
				}
			}
			if out[0].Time != in[0].Time || out[0].Headers[0].Key != "a" || string(out[0].Headers[0].Value) != "1" {
				t.Errorf("first record %+v", out[0])
			}
		})
	}
}

func TestTooLargeRecordIsRefused(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: make([]byte, kafka.MaxRecordBytes)}}); err == nil {
		t.Error("a record that brokers do not take was sent")
	}
	if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: make([]byte, 1_000_000)}}); err != nil {
		t.Error(err)
	}
}

func TestWritesKeepTheirOrder(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans", Partitions: 3})
	injectFaults(b)
	const n = 30_000
	records := make([]kafka.Record, n)
	for i := range records {
		records[i] = kafka.Record{Topic: "spans", Partition: i % 3, Value: []byte(fmt.Sprintf("%0100d", i))}
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), records); err != nil {
		t.Fatal(err)
	}
	for p := range 3 {
		next := p
		if err := c.ReadRange(within(t), "spans", p, 0, n/3, func(records []kafka.Record) error {
			for _, r := range records {
				if want := fmt.Sprintf("%0100d", next); string(r.Value) != want {
					return fmt.Errorf("found %s, expected %s", r.Value, want)
				}
				next += 3
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if next < n {
			t.Errorf("partition %d ended at %d", p, next)
		}
	}
}

func TestReadRangeStopsAtItsEnd(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 100)
	for _, test := range []struct{ from, to, want int64 }{{0, 100, 100}, {10, 20, 10}, {kafka.FirstOffset, 50, 50}, {90, 1000, 10}, {100, 100, 0}, {kafka.FirstOffset, 0, 0}} {
		var n int64
		if err := c.ReadRange(within(t), "spans", 0, test.from, test.to, func(r []kafka.Record) error {
			n += int64(len(r))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if n != test.want {
			t.Errorf("from %d to %d: %d records", test.from, test.to, n)
		}
	}
}

func TestFollowEndsQuickly(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	ctx, cancel := context.WithCancel(within(t))
	n := 0
	began := time.Now()
	err := c.Follow(ctx, "spans", 0, kafka.FirstOffset, kafka.FetchConfig{MaxWait: 20 * time.Second}, func(r []kafka.Record, end int64) error {
		if n += len(r); n == 10 {
			time.AfterFunc(50*time.Millisecond, cancel) // while the next fetch waits
		}
		return nil
	})
	if err != nil || n != 10 {
		t.Errorf("%d records, error %v", n, err)
	}
	t.Logf("ended after %v", time.Since(began).Round(time.Millisecond))
}

func TestBrokerGoesAway(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(ctx, []kafka.Record{{Topic: "spans"}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
	if _, _, err := c.Read("spans", 0, 0, kafka.FetchConfig{}).Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("fetch: %v", err)
	}
	if c.Stats().Retries["produce"] == 0 {
		t.Error("no retry was counted")
	}
}

func TestEnsureTopics(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "old", Partitions: 2})
	specs := []kafka.TopicSpec{{Name: "old", Partitions: 7}, {Name: "new", Partitions: 3, Configs: map[string]string{"retention.ms": "1000000"}}}
	for range 2 {
		if err := c.EnsureTopics(within(t), specs); err != nil {
			t.Fatal(err)
		}
	}
	n, err := c.Partitions(within(t), "new", "old")
	if err != nil || n[0] != 3 || n[1] != 2 {
		t.Errorf("%v, error %v", n, err)
	}
	fill(t, c, "new", 2, 0, 5)
	ends, err := c.Ends(within(t), "new")
	if err != nil || len(ends) != 3 || ends[2] != (kafka.Range{First: 0, End: 5}) || ends[0] != (kafka.Range{}) {
		t.Errorf("%v, error %v", ends, err)
	}
}

func TestPartitionIsJavas(t *testing.T) {
	// From Kafka's own UtilsTest (murmur2), as murmur2 & 0x7fffffff % n.
	for key, want := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536, "a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107} {
		const n = 1 << 30
		if got := kafka.Partition([]byte(key), n); got != int(uint32(want)&0x7fffffff)%n {
			t.Errorf("%s: %d", key, got)
		}
	}
}

// TestPatience: a partition that can't be read is given back now and then, and read once it can be,
// whether its beginning was known or not.
func TestPatience(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	fill(t, c, "spans", 0, 0, 10)
	for _, offset := range []int64{kafka.FirstOffset, 0} {
		fault := b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, Topic: "spans", Err: kerr.LeaderNotAvailable, Count: -1})
		r := c.Read("spans", 0, offset, kafka.FetchConfig{MaxWait: 20 * time.Millisecond, Patience: 100 * time.Millisecond})
		for range 2 {
			if _, _, err := r.Fetch(within(t)); !errors.Is(err, kafka.ErrUnread) || !errors.Is(err, kafkago.LeaderNotAvailable) {
				t.Fatalf("error %v", err)
			}
		}
		fault.Remove()
		records, end, err := r.Fetch(within(t))
		if err != nil || len(records) != 10 || end != 10 {
			t.Errorf("%d records up to %d, %v", len(records), end, err)
		}
	}
}
