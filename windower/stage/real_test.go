package stage

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/internal/kafka"
	"presage/internal/kraft"
)

// TestKilledOnARealBroker is TestKilledAnywhere on Apache Kafka.
func TestKilledOnARealBroker(t *testing.T) {
	brokers := kraft.ForTest(t, kraft.Options{}).Addrs()
	connect := func() *kafka.Client {
		c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: brokers, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	c := connect()
	log := randomLog(77, 1500)
	want, _ := inMemory(t, testGraph(), log)
	prefix := fmt.Sprintf("presage-test-%d-", time.Now().UnixNano())
	for i := range log {
		log[i].Topic = prefix + log[i].Topic
	}
	g := testGraph()
	g.SpanTopics, g.MetricTopics = []string{prefix + "spans"}, []string{prefix + "metrics"}
	topics := Topics{Partials: prefix + "partials", Slices: prefix + "slices", DeadLetter: prefix + "dead"}
	specs := []kafka.TopicSpec{
		{Name: prefix + "spans", Partitions: 2}, {Name: prefix + "metrics", Partitions: 1}, {Name: topics.DeadLetter, Partitions: 1},
		{Name: topics.Partials, Partitions: 1}, {Name: topics.Slices, Partitions: 1},
	}
	for i := range specs { // records are stamped with the log's times
		specs[i].Configs = map[string]string{"retention.ms": "-1"}
	}
	if err := c.EnsureTopics(within(t), specs); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		p := kafka.NewProducer(c, kafka.ProducerConfig{})
		for i := 0; i < len(log); i += 100 {
			if err := p.Write(t.Context(), log[i:min(i+100, len(log))]); err != nil {
				written <- err
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		written <- nil
	}()
	run := func(c *kafka.Client) Options {
		o := options(t, c, g)
		o.Topics, o.SessionTimeout = topics, 6*time.Second
		return o
	}
	for i := range 5 {
		client := connect()
		stop := pipelineUntilKilled(t, run(client))
		time.Sleep(time.Duration(500+rand.IntN(1000)) * time.Millisecond)
		if i%3 > 0 {
			client.Close()
		}
		stop()
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	stop := pipeline(t, run(c))
	got := collect(t, c, topics.Slices, len(want))
	stop()
	same(t, got, want)
	t.Logf("%d snapshots", len(got))
}

// TestTopicGrowsOnARealBroker is TestTopicGrows on Apache Kafka.
func TestTopicGrowsOnARealBroker(t *testing.T) {
	brokers := kraft.ForTest(t, kraft.Options{}).Addrs()
	connect := func() *kafka.Client {
		c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: brokers, MetadataTTL: 200 * time.Millisecond, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	var specs []kafka.TopicSpec
	for name, partitions := range map[string]int{"spans": 2, testTopics.Partials: 1, testTopics.Slices: 1, testTopics.DeadLetter: 1} {
		// Records are stamped with the log's times.
		specs = append(specs, kafka.TopicSpec{Name: name, Partitions: partitions, Configs: map[string]string{"retention.ms": "-1"}})
	}
	if err := connect().EnsureTopics(within(t), specs); err != nil {
		t.Fatal(err)
	}
	growth(t, connect, func() {
		transport := &kafkago.Transport{}
		defer transport.CloseIdleConnections()
		admin := &kafkago.Client{Addr: kafkago.TCP(brokers...), Transport: transport}
		res, err := admin.CreatePartitions(within(t), &kafkago.CreatePartitionsRequest{Topics: []kafkago.TopicPartitionsConfig{{Name: "spans", Count: 4}}})
		if err == nil {
			err = res.Errors["spans"]
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
