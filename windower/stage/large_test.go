package stage

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/windower/slice"
)

// largeFan is how many services each one calls.
const largeFan = 10

// TestLargeGraph: a graph larger than what topics take as one message goes through them in chunks.
func TestLargeGraph(t *testing.T) {
	b, err := broker.Start(broker.Options{RetentionBytes: 512 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	largeGraphs(t, []string{b.Addr()}, 2000, 64<<10)
}

// TestLargeGraphOnARealBroker takes a graph at its bounds, 20 000 services and 200 000 edges, through Apache Kafka: with what
// it takes by default, and with a quarter of that.
func TestLargeGraphOnARealBroker(t *testing.T) {
	largeGraphs(t, kraft.ForTest(t, kraft.Options{}).Addrs(), 20_000, 0, kafka.DefaultMaxMessageBytes/4)
}

func largeGraphs(t *testing.T, brokers []string, services int, mosts ...int) {
	c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: brokers, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	p := largePartial(services)
	for _, most := range mosts {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			prefix := fmt.Sprint("large-", most, "-")
			g := testGraph()
			g.MetricTopics = nil
			g.MaxServices, g.MaxEdges = services, services*largeFan
			o := options(t, c, g)
			o.Topics, o.MaxMessageBytes = Topics{Partials: prefix + "partials", Slices: prefix + "slices", DeadLetter: prefix + "dead"}, most
			o.SessionTimeout = 0
			var specs []kafka.TopicSpec
			for _, name := range []string{o.Topics.Partials, o.Topics.Slices} {
				spec := kafka.TopicSpec{Name: name, Partitions: 1, Configs: map[string]string{"retention.ms": "-1"}}
				if most > 0 {
					spec.Configs["max.message.bytes"] = fmt.Sprint(most)
				}
				specs = append(specs, spec)
			}
			if err := c.EnsureTopics(within(t), specs); err != nil {
				t.Fatal(err)
			}
			throughAssembler(t, c, o, p)
		})
	}
}

// throughAssembler writes a partial as its partition would, and reads the slice that the assembler makes of it.
func throughAssembler(t *testing.T, c *kafka.Client, o Options, p *slice.Partial) {
	o, err := o.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	// Without compression it is the chunks alone that fit.
	records := o.partialRecords(p, 0)
	if err := kafka.NewProducer(c, kafka.ProducerConfig{MaxMessageBytes: o.MaxMessageBytes}).Write(within(t), records); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ctx, done := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- RunAssembler(ctx, o) }()
	nodes, edges := 0, 0
	err = FollowSlices(ctx, SlicesConfig{Client: c, Topic: o.Topics.Slices, Graph: o.Graph.Name, From: kafka.FirstOffset, OnBad: func(offset int64, err error) {
		t.Errorf("offset %d: %v", offset, err)
	}}, func(s *slice.Snapshot, _, _ int64) error {
		if s != nil {
			nodes, edges = s.Nodes.Len(), s.Edges.Len()
			done()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	done()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if nodes != len(p.Nodes) || edges != len(p.Edges) {
		t.Errorf("%d services and %d edges", nodes, edges)
	}
	ends, err := c.Ends(within(t), o.Topics.Slices)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d records for the partial, %d for the slice", len(records), ends[0].End)
}

func largePartial(services int) *slice.Partial {
	r := rand.New(rand.NewPCG(1, 2))
	index := epoch / (10 * sec)
	p := &slice.Partial{Header: slice.Header{
		Graph: "shop", Fingerprint: 42, Width: 10 * sec, Index: index,
		Source: slice.Source{Topic: "spans"}, Partitions: 1, Watermark: (index + 1) * 10 * sec,
	}}
	name := func(i int) string { return fmt.Sprintf("namespace-%03d/service-%05d", i/100, i) }
	for i := range services {
		n := slice.NodePart{Service: name(i), Spans: r.Int64N(1e6), Requests: r.Int64N(1e8), Arrivals: r.Int64N(1e8), Duration: slice.Sum{Lo: r.Uint64() >> 1}}
		for b := range 8 {
			n.Latency = append(n.Latency, slice.Bucket{Index: uint16(300 + 20*b + r.IntN(20)), Count: 1 + r.Int64N(1e6)})
		}
		p.Nodes = append(p.Nodes, n)
		for e := range largeFan {
			p.Edges = append(p.Edges, slice.EdgePart{
				Caller: name(i), Callee: name(e*services/largeFan + r.IntN(services/largeFan)), Calls: 1 + r.Int64N(1e7), Duration: slice.Sum{Lo: r.Uint64() >> 1},
			})
		}
	}
	return p
}
