package stage

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"presage/internal/kafka"
	"presage/internal/kraft"
)

// TestUnreadablePartitionOnRealBrokers is TestUnreadablePartition on Apache Kafka: of a topic without
// replicas a broker is gone.
func TestUnreadablePartitionOnRealBrokers(t *testing.T) {
	cluster := kraft.ForTest(t, kraft.Options{Brokers: 3})
	c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: cluster.Addrs(), MetadataTTL: time.Second, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	specs := []kafka.TopicSpec{{Name: "spans", Partitions: 2, Replication: 1, Configs: map[string]string{"min.insync.replicas": "1"}}}
	for _, name := range []string{testTopics.Partials, testTopics.Slices, testTopics.DeadLetter} {
		specs = append(specs, kafka.TopicSpec{Name: name, Partitions: 1, Configs: map[string]string{}})
	}
	for i := range specs { // records are stamped with the log's times
		specs[i].Configs["retention.ms"] = "-1"
	}
	if err := c.EnsureTopics(within(t), specs); err != nil {
		t.Fatal(err)
	}
	leaders := leadersOf(t, cluster, "spans", 2)
	if leaders[0] == leaders[1] {
		t.Fatalf("one broker leads both partitions: %v", leaders)
	}
	p := kafka.NewProducer(c, kafka.ProducerConfig{})
	const slicesWanted = 25 // more than the ten that a partition may be ahead
	var log []kafka.Record
	for partition := range 2 {
		for i := range int64(30) {
			log = append(log, span(partition, epoch+i*10*sec+sec))
		}
	}
	if err := p.Write(within(t), log[30:]); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Kill(leaders[1] - 1); err != nil {
		t.Fatal(err)
	}
	g := testGraph()
	g.MetricTopics, g.MaxWait = nil, 120*time.Second
	o := options(t, c, g)
	o.Now, o.SessionTimeout = newClock(20).now, 6*time.Second
	stop := pipeline(t, o)
	for i := range 30 { // one after the other, so that it waits between them
		if err := p.Write(within(t), log[i:i+1]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	for i, s := range next(t, c, slicesWanted) {
		if s.Complete || !slices.Equal(s.Missing, []string{"spans/1"}) {
			t.Errorf("slice %d: complete %v, missing %v", i, s.Complete, s.Missing)
		}
	}
	if err := cluster.Restart(t.Context(), leaders[1]-1); err != nil {
		t.Fatal(err)
	}
	again := 0
	for _, s := range next(t, c, slicesWanted+10)[slicesWanted:] {
		if s.Revision == 2 && s.Nodes.Requests.Value[0] == 2 {
			again++
		}
	}
	stop()
	if again == 0 {
		t.Error("no slice came again with the spans of the other partition")
	}
}

// leadersOf tells which broker leads each partition, by its id.
func leadersOf(t *testing.T, cluster *kraft.Cluster, topic string, partitions int) []int {
	t.Helper()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	res, err := (&kafkago.Client{Addr: kafkago.TCP(cluster.Addrs()...), Transport: transport}).Metadata(within(t), &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil || len(res.Topics) != 1 || len(res.Topics[0].Partitions) != partitions {
		t.Fatalf("metadata %+v: %v", res, err)
	}
	leaders := make([]int, partitions)
	for _, p := range res.Topics[0].Partitions {
		leaders[p.ID] = p.Leader.ID
	}
	return leaders
}
