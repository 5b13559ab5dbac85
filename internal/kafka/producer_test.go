package kafka_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"presage/internal/broker"
	"presage/internal/kafka"
)

// noise can't be compressed.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

func TestBatchesFitTheTopic(t *testing.T) {
	const most = 200_000
	for _, zstd := range []bool{false, true} {
		t.Run(fmt.Sprintf("zstd=%v", zstd), func(t *testing.T) {
			_, c := start(t)
			if err := c.EnsureTopics(within(t), []kafka.TopicSpec{{Name: "small", Partitions: 1, Configs: map[string]string{"max.message.bytes": fmt.Sprint(most)}}}); err != nil {
				t.Fatal(err)
			}
			p := kafka.NewProducer(c, kafka.ProducerConfig{Zstd: zstd})
			var records []kafka.Record
			for i := range 30 {
				records = append(records, kafka.Record{Topic: "small", Key: []byte{byte(i)}, Value: noise(60_000 + i)})
			}
			for range 2 { // the second time it is known what fits
				if err := p.Write(within(t), records); err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			if err := c.ReadRange(within(t), "small", 0, kafka.FirstOffset, 60, func(read []kafka.Record) error {
				for _, r := range read {
					if want := records[n%30]; !bytes.Equal(r.Key, want.Key) || !bytes.Equal(r.Value, want.Value) {
						return fmt.Errorf("record %d is another one", n)
					}
					n++
				}
				return nil
			}); err != nil || n != 60 {
				t.Errorf("%d records, error %v", n, err)
			}
			err := p.Write(within(t), []kafka.Record{{Topic: "small", Value: noise(most)}})
			if err == nil || !strings.Contains(err.Error(), "topics.max_message_bytes") || !errors.Is(err, kafkago.MessageSizeTooLarge) {
				t.Errorf("a record that is too large: %v", err)
			}
			s := c.Stats()
			if s.Failures["produce"] != 1 || s.BytesUnacknowledged != 0 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

func TestMaxMessageBytesIsKept(t *testing.T) {
	_, c := start(t, broker.Topic{Name: "spans"})
	p := kafka.NewProducer(c, kafka.ProducerConfig{MaxMessageBytes: 100_000})
	if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: noise(100_000)}}); err == nil || !strings.Contains(err.Error(), "expected at most 99872") {
		t.Errorf("error %v", err)
	}
	if err := p.Write(within(t), []kafka.Record{{Topic: "spans", Value: noise(99_000)}, {Topic: "spans", Value: noise(99_000)}}); err != nil {
		t.Error(err)
	}
}

func TestZstdIsOnTheWire(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	if err := kafka.NewProducer(c, kafka.ProducerConfig{Zstd: true}).Write(within(t), []kafka.Record{{Topic: "spans", Value: make([]byte, 1000)}}); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ConsumeTopics("spans"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const zstd = 4
	for _, r := range client.PollFetches(within(t)).Records() {
		if got := r.Attrs.CompressionType(); got != zstd {
			t.Errorf("compression %d", got)
		}
	}
}

func TestBytesInFlight(t *testing.T) {
	b, c := start(t, broker.Topic{Name: "spans"})
	sending, answer := make(chan struct{}), make(chan struct{})
	b.Cluster().ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(sending)
		<-answer
		return nil, nil, false
	})
	written := make(chan error, 1)
	go func() {
		written <- kafka.NewProducer(c, kafka.ProducerConfig{}).Write(within(t), []kafka.Record{{Topic: "spans", Value: make([]byte, 1000)}})
	}()
	<-sending
	if n := c.Stats().BytesUnacknowledged; n < 1000 || n > 1100 {
		t.Errorf("%d bytes are under way", n)
	}
	close(answer)
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	ctx, done := context.WithCancel(within(t))
	err := c.Follow(ctx, "spans", 0, kafka.FirstOffset, kafka.FetchConfig{}, func(records []kafka.Record, _ int64) error {
		if n := c.Stats().BytesUnapplied; n != int64(1000*len(records)) {
			t.Errorf("%d bytes of %d records are in work", n, len(records))
		}
		done()
		return nil
	})
	if s := c.Stats(); err != nil || s.BytesUnapplied != 0 || s.BytesUnacknowledged != 0 {
		t.Errorf("error %v, stats %+v", err, s)
	}
}

// Credentials that worked are not given up for one refusal, as a broker that goes down gives it, but for three.
func TestRefusals(t *testing.T) {
	for _, count := range []int{2, 3} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			b, c := start(t, broker.Topic{Name: "spans"})
			fill(t, c, "spans", 0, 0, 1)
			b.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: "spans", Err: kerr.SaslAuthenticationFailed, Count: count})
			_, _, err := c.Read("spans", 0, 0, kafka.FetchConfig{}).Fetch(within(t))
			if (err != nil) != (count == 3) {
				t.Errorf("error %v", err)
			}
		})
	}
}
