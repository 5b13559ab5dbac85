package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"
	"presage/internal/broker"
	"presage/internal/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a broker with the topics, and a client of it, for the test's length.
func start(t testing.TB, topics ...broker.Topic) (*broker.Broker, *kafka.Client) {
	t.Helper()
	b, err := broker.Start(broker.Options{Topics: topics, MinSessionTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, dial(t, b)
}

func dial(t testing.TB, b *broker.Broker) *kafka.Client {
	t.Helper()
	c, err := kafka.Dial(t.Context(), kafka.Config{
		Brokers: []string{b.Addr()}, MetadataTTL: 200 * time.Millisecond,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// fill writes n records, key and value "0", "1", … to a partition.
func fill(t testing.TB, c *kafka.Client, topic string, partition, from, n int) {
	t.Helper()
	records := make([]kafka.Record, n)
	for i := range records {
		text := []byte(fmt.Sprint(from + i))
		records[i] = kafka.Record{Topic: topic, Partition: partition, Key: text, Value: text}
	}
	if err := kafka.NewProducer(c, kafka.ProducerConfig{}).Write(t.Context(), records); err != nil {
		t.Fatal(err)
	}
}

// within fails the test if what it waits for takes unreasonably long.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}
