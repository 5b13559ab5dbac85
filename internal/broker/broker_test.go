package broker_test

import (
	"context"
	"runtime"
	"testing"

	"go.uber.org/goleak"
	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestHeapIsBounded writes many times the cap through one topic.
func TestHeapIsBounded(t *testing.T) {
	const written, limit = 256 << 20, 16 << 20
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: "spans", Partitions: 2, RetentionBytes: limit / 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kafka.Dial(context.Background(), kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	producer := kafka.NewProducer(client, kafka.ProducerConfig{})
	records := make([]kafka.Record, 64)
	for i := range records {
		records[i] = kafka.Record{Topic: "spans", Partition: i % 2, Value: make([]byte, 16<<10)}
	}
	before, peak := heap(), uint64(0)
	for sent := 0; sent < written; sent += len(records) * 16 << 10 {
		if err := producer.Write(context.Background(), records); err != nil {
			t.Fatal(err)
		}
		if sent%(32<<20) == 0 {
			peak = max(peak, heap())
		}
	}
	grown := (int64(max(peak, heap())) - int64(before)) >> 20
	t.Logf("%d MiB written, %d MiB allowed, live heap grew by at most %d MiB", written>>20, limit>>20, grown)
	// What is written between two trims comes on top of the cap.
	if grown > 100 {
		t.Errorf("live heap grew by %d MiB", grown)
	}
	ends, err := client.Ends(context.Background(), "spans")
	if err != nil {
		t.Fatal(err)
	}
	if ends[0].First == 0 {
		t.Error("nothing was trimmed")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestCloseIsIdempotent(t *testing.T) {
	b, err := broker.Start(broker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	b.Close()
}
