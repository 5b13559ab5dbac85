package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"presage/internal/kafka"
	"presage/internal/kraft"
)

// TestRealBroker goes through the client's duties on Apache Kafka, which checks what the embedded broker does not.
func TestRealBroker(t *testing.T) {
	brokers := kraft.ForTest(t, kraft.Options{}).Addrs()
	c, err := kafka.Dial(within(t), kafka.Config{Brokers: brokers, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	name := fmt.Sprintf("presage-test-%d", time.Now().UnixNano())
	if _, err := c.Partitions(within(t), name); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Fatalf("unknown topic: %v", err)
	}
	if _, err := c.Partitions(within(t), name); !errors.Is(err, kafka.ErrUnknownTopic) {
		t.Fatalf("asking for a topic created it: %v", err)
	}
	if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: name, Partitions: 3, Replication: 1, Configs: map[string]string{"retention.ms": "3600000"}}}); err != nil {
		t.Fatal(err)
	}
	const n = 2000
	for p := range 3 {
		fill(t, c, name, p, 0, n)
	}
	for _, zstd := range []bool{false, true} {
		large := []kafka.Record{{Topic: name, Value: make([]byte, kafka.MaxRecordBytes-100)}, {Topic: name, Value: []byte("small")}}
		if err := kafka.NewProducer(c, kafka.ProducerConfig{Zstd: zstd}).Write(within(t), large); err != nil {
			t.Errorf("zstd=%v: %v", zstd, err)
		}
	}
	ends, err := c.Ends(within(t), name)
	if err != nil || ends[0] != (kafka.Range{First: 0, End: n + 4}) || ends[2].End != n {
		t.Fatalf("ends %v, error %v", ends, err)
	}

	metadata := strings.Repeat("m", kafka.MaxMetadata)
	cfg := kafka.GroupConfig{ID: name, Topics: []string{name}, SessionTimeout: 6 * time.Second}
	ctx, done := context.WithCancel(within(t))
	var seen tally
	if err := c.RunGroup(ctx, cfg, func(ctx context.Context, a kafka.Assignment) error {
		for {
			records, _, err := a.Fetch(ctx)
			if err != nil {
				return err
			}
			for i := range records {
				if len(records[i].Value) > 1000 {
					records[i].Value = fmt.Append(nil, "large ", records[i].Offset)
				}
			}
			if seen.add(records) >= 3*n+3 { // "small" came twice
				done()
			}
			if len(records) > 0 {
				if err := a.Commit(ctx, kafka.Commit{Offset: records[len(records)-1].Offset + 1, Metadata: metadata}); err != nil {
					return err
				}
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	commits, err := c.Committed(within(t), name, name)
	if err != nil || commits[1] != (kafka.Commit{Offset: n, Metadata: metadata}) {
		t.Errorf("commits %v, error %v", commits[1].Offset, err)
	}
	if _, _, err := c.Read(name, 1, n+1000, kafka.FetchConfig{OutOfRange: kafka.Earliest}).Fetch(within(t)); err == nil {
		t.Error("an offset beyond the end was taken")
	} else {
		t.Log(err)
	}
	t.Logf("%+v", c.Stats())
}
