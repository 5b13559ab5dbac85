package kraft_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"presage/internal/kafka"
	"presage/internal/kraft"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestThreeBrokers: what was acknowledged outlives the death of any broker.
func TestThreeBrokers(t *testing.T) {
	c := kraft.ForTest(t, kraft.Options{Brokers: 3})
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: c.Addrs(), MetadataTTL: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.EnsureTopics(t.Context(), []kafka.TopicSpec{{Name: "t", Partitions: 1}}); err != nil {
		t.Fatal(err)
	}
	p := kafka.NewProducer(client, kafka.ProducerConfig{Zstd: true})
	for i := range 3 {
		if err := p.Write(t.Context(), []kafka.Record{{Topic: "t", Value: []byte{byte(i)}}}); err != nil {
			t.Fatal(err)
		}
		if err := c.Kill(i); err != nil {
			t.Fatal(err)
		}
		if err := p.Write(t.Context(), []kafka.Record{{Topic: "t", Value: []byte{byte(10 + i)}}}); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[byte]bool{}
	ends, err := client.Ends(t.Context(), "t")
	if err != nil {
		t.Fatal(err)
	}
	err = client.ReadRange(t.Context(), "t", 0, kafka.FirstOffset, ends[0].End, func(records []kafka.Record) error {
		for _, r := range records {
			seen[r.Value[0]] = true
		}
		return nil
	})
	if err != nil || len(seen) != 6 {
		t.Errorf("%d of 6 records are there, error %v", len(seen), err)
	}
}
