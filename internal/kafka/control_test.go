package kafka_test

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"presage/internal/broker"
	"presage/internal/kafka"
)

// TestTransactionMarkersArePassed reads a partition that ends in a marker: nothing
// but the marker's offset tells how to go on.
func TestTransactionMarkersArePassed(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	producer, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.TransactionalID("tx"), kgo.DefaultProduceTopic("spans"))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for range 3 {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			producer.Produce(t.Context(), kgo.StringRecord("x"), nil)
		}
		if err := producer.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
			t.Fatal(err)
		}
	}
	var offsets []int64
	r := c.Read("spans", 0, kafka.FirstOffset, kafka.FetchConfig{MaxBytes: 1, MaxWait: 20 * time.Millisecond})
	for {
		records, end, err := r.Fetch(within(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, rec := range records {
			offsets = append(offsets, rec.Offset)
		}
		if r.Next() >= end {
			break
		}
	}
	if len(offsets) != 6 || offsets[5] != 7 {
		t.Errorf("offsets %v", offsets)
	}
	if n := c.Stats().ControlRecords; n != 3 {
		t.Errorf("%d control records counted", n)
	}
}

// TestCompactedTopicDoesNotStall reads over batches that compaction has thinned out.
func TestCompactedTopicDoesNotStall(t *testing.T) {
	b, c := start(t)
	if err := b.Cluster().CreateTopic("state", 1, map[string]string{
		"cleanup.policy": "compact", "min.compaction.lag.ms": "0", "min.cleanable.dirty.ratio": "0", "segment.bytes": "65536",
	}); err != nil {
		t.Fatal(err)
	}
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	const n = 600
	for i := range n {
		key := []byte{byte(i % 7)}
		if err := p.Write(within(t), []kafka.Record{{Topic: "state", Key: key, Value: make([]byte, 500)}, {Topic: "state", Key: key, Value: make([]byte, 500)}}); err != nil {
			t.Fatal(err)
		}
	}
	b.Cluster().Compact()
	read := 0
	if err := c.ReadRange(within(t), "state", 0, kafka.FirstOffset, 2*n, func(records []kafka.Record) error {
		read += len(records)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if read == 0 || read == 2*n {
		t.Errorf("%d records left after compaction", read)
	}
	t.Logf("%d of %d records were left", read, 2*n)
}
