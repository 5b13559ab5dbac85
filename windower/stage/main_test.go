package stage

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	epoch = int64(1_700_000_000_000_000_000)
	sec   = int64(time.Second)
)

func testGraph() Graph {
	return Graph{
		Name: "shop", Fingerprint: 42, SpanTopics: []string{"spans"}, MetricTopics: []string{"metrics"},
		Width: 10 * time.Second, Lateness: 5 * time.Second, MetricsLateness: 15 * time.Second, TombstoneTTL: 5 * time.Second,
	}
}

var testTopics = Topics{Partials: "partials", Slices: "slices", DeadLetter: "dead"}

func startBroker(t testing.TB) *broker.Broker { return brokerOf(t, 2) }

// brokerOf starts a broker whose topic of spans has so many partitions.
func brokerOf(t testing.TB, partitions int) *broker.Broker {
	t.Helper()
	b, err := broker.Start(broker.Options{
		MinSessionTimeout: time.Second,
		Topics: []broker.Topic{
			{Name: "spans", Partitions: partitions}, {Name: "metrics", Partitions: 1}, {Name: "partials", Partitions: 2},
			{Name: "slices", Partitions: 2}, {Name: "dead", Partitions: 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func dial(t testing.TB, b *broker.Broker) *kafka.Client {
	t.Helper()
	c, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}, MetadataTTL: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func options(t testing.TB, c *kafka.Client, g Graph) Options {
	t.Helper()
	m, err := NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Client: c, Graph: g, Topics: testTopics, Metrics: m, Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Now: time.Now, SessionTimeout: 1200 * time.Millisecond, CommitInterval: 5 * time.Millisecond,
	}
}

// randomLog makes the records of all source partitions for some minutes: calls between
// a few services, whose halves go to a partition by trace, some of them late or doubled,
// some records rubbish, and metrics; with watermarks, and a final one at the end.
func randomLog(seed uint64, seconds int) []kafka.Record { return randomLogOver(seed, seconds, 2) }

// randomLogOver is randomLog over so many partitions of spans.
func randomLogOver(seed uint64, seconds, partitions int) []kafka.Record {
	sources := sourcesOver(partitions)
	r := rand.New(rand.NewPCG(seed, 7))
	var out []kafka.Record
	var delayed []kafka.Record
	write := func(topic string, p int, at int64, value []byte) {
		out = append(out, kafka.Record{Topic: topic, Partition: p, Time: at, Value: value})
		if at%25 == 0 { // once more, and some records on, perhaps too late for its slice
			delayed = append(delayed, out[len(out)-1])
		}
		if len(delayed) > 0 && r.IntN(60) == 0 {
			out = append(out, delayed[0])
			delayed = delayed[1:]
		}
	}
	for i := range seconds {
		now := epoch + int64(i)*sec
		for range 1 + r.IntN(3) {
			id := [16]byte{byte(r.Uint32()), byte(r.Uint32()), 1}
			p := int(id[0]) % partitions
			for _, span := range randomTrace(r, id, now) {
				at := now + r.Int64N(3*sec)
				value := otlp.AppendTraces(nil, []otlp.ResourceSpans{span})
				write("spans", p, at, value)
				if r.IntN(40) == 0 {
					write("spans", p, at, value)
				}
			}
		}
		if r.IntN(10) == 0 {
			write("spans", r.IntN(partitions), now, fmt.Appendf(nil, "rubbish %d", i))
		}
		if i%5 == 0 {
			write("metrics", 0, now, cpu(r, now))
		}
		if i%10 == 9 {
			for _, s := range sources {
				out = append(out, mark(s, now, false))
			}
		}
	}
	for _, s := range sources {
		out = append(out, mark(s, epoch+int64(seconds)*sec, true))
	}
	return out
}

var sources = sourcesOver(2)

// sourcesOver lists the sources of the test's graph, with so many partitions of spans.
func sourcesOver(partitions int) (out []slice.Source) {
	for p := range partitions {
		out = append(out, slice.Source{Topic: "spans", Partition: p})
	}
	return append(out, slice.Source{Topic: "metrics"})
}

func mark(s slice.Source, at int64, final bool) kafka.Record {
	r := kafka.Record{Topic: s.Topic, Partition: s.Partition, Time: at, Headers: []kafka.Header{{Key: ingest.HeaderWatermark, Value: fmt.Append(nil, at)}}}
	if final {
		r.Headers = append(r.Headers, kafka.Header{Key: ingest.HeaderFinal, Value: []byte("1")})
	}
	return r
}

// randomTrace is a call from one service to another, as the two services tell it.
func randomTrace(r *rand.Rand, id [16]byte, now int64) []otlp.ResourceSpans {
	from, to := r.IntN(4), 4+r.IntN(3)
	start := now + r.Int64N(sec)
	client := otlp.Span{TraceID: id, SpanID: [8]byte{1}, Name: "call", Kind: 3, Start: start, End: start + r.Int64N(sec), Error: r.IntN(9) == 0}
	server := otlp.Span{TraceID: id, SpanID: [8]byte{2}, ParentID: [8]byte{1}, Name: "serve", Kind: 2, Start: start + 1000, End: client.End - r.Int64N(1000)}
	server.End = max(server.End, server.Start)
	both := []otlp.ResourceSpans{
		{Resource: []otlp.KeyValue{otlp.String("service.name", fmt.Sprint("s", from))}, Spans: []otlp.Span{client}},
		{Resource: []otlp.KeyValue{otlp.String("service.name", fmt.Sprint("s", to)), otlp.String("k8s.pod.uid", fmt.Sprint("pod", to))}, Spans: []otlp.Span{server}},
	}
	if r.IntN(8) == 0 {
		return both[:1]
	}
	return both
}

func cpu(r *rand.Rand, now int64) []byte {
	var out []otlp.ResourceMetrics
	for to := 4; to < 7; to++ {
		out = append(out, otlp.ResourceMetrics{
			Resource: []otlp.KeyValue{otlp.String("k8s.pod.uid", fmt.Sprint("pod", to)), otlp.String("k8s.container.name", "main")},
			Metrics:  []otlp.Metric{{Name: "container.cpu.usage", Unit: "{cpu}", Type: otlp.Gauge, Points: []otlp.Point{{Time: now, Value: r.Float64()}}}},
		})
	}
	return otlp.AppendMetrics(nil, out)
}

// inMemory is what the machines make of the log without Kafka.
func inMemory(t testing.TB, g Graph, log []kafka.Record) (encoded [][]byte, rejected int) {
	t.Helper()
	return inMemoryOver(t, g, log, 2)
}

// inMemoryOver is inMemory with so many partitions of spans.
func inMemoryOver(t testing.TB, g Graph, log []kafka.Record, partitions int) (encoded [][]byte, rejected int) {
	t.Helper()
	snapshots, rejected := snapshotsOver(t, g, log, partitions)
	for _, s := range snapshots {
		encoded = append(encoded, encode(t, s))
	}
	return encoded, rejected
}

func snapshotsOver(t testing.TB, g Graph, log []kafka.Record, partitions int) (snapshots []*slice.Snapshot, rejected int) {
	t.Helper()
	a, err := windower.NewAssembler(windower.AssemblerConfig{
		Graph: g.Name, Fingerprint: g.Fingerprint, Width: g.Width.Nanoseconds(), SpanTopics: g.SpanTopics, MetricTopics: g.MetricTopics,
	})
	if err != nil {
		t.Fatal(err)
	}
	offset := int64(0)
	add := func(p *slice.Partial) {
		snapshots = append(snapshots, a.Add(offset, p, 0, 1).Snapshots...)
		offset++
	}
	for _, source := range sourcesOver(partitions) {
		if !slices.Contains(g.topics(), source.Topic) {
			continue
		}
		lateness := g.Lateness
		signal := ingest.Spans
		if source.Topic == "metrics" {
			lateness, signal = g.MetricsLateness, ingest.Metrics
		}
		of := map[string]int{"spans": partitions, "metrics": 1}[source.Topic]
		p, err := windower.NewPartition(windower.PartitionConfig{
			Graph: g.Name, Fingerprint: g.Fingerprint, Width: g.Width.Nanoseconds(), Lateness: lateness.Nanoseconds(),
			TombstoneTTL: g.TombstoneTTL.Nanoseconds(), Source: source, Partitions: of, DedupeSpans: g.DedupeSpans,
		})
		if err != nil {
			t.Fatal(err)
		}
		d := ingest.NewDecoder(ingest.Options{})
		at := ingest.Position{Topic: source.Topic, Partition: source.Partition}
		for _, rec := range log {
			if rec.Topic != source.Topic || rec.Partition != source.Partition {
				continue
			}
			var headers []ingest.Header
			for _, h := range rec.Headers {
				headers = append(headers, ingest.Header(h))
			}
			// Kafka keeps milliseconds.
			batch, err := d.Decode(signal, at, rec.Time/1e6*1e6, headers, rec.Value)
			if err != nil {
				rejected++
				batch = &ingest.Batch{Position: at, Time: rec.Time}
			}
			for _, part := range p.Apply(batch).Partials {
				add(part)
			}
			at.Offset++
		}
		if part, ok := p.WatermarkOnly(); ok {
			add(part)
		}
	}
	return snapshots, rejected
}

func encode(t testing.TB, s *slice.Snapshot) []byte {
	t.Helper()
	chunks, err := slice.EncodeSnapshot(s, 0)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join(chunks, nil)
}

// collect follows the slices until there are n of them.
func collect(t testing.TB, c *kafka.Client, topic string, n int) (encoded [][]byte) {
	t.Helper()
	ctx, done := context.WithCancel(within(t))
	defer done()
	err := FollowSlices(ctx, SlicesConfig{Client: c, Topic: topic, Graph: "shop", From: kafka.FirstOffset}, func(s *slice.Snapshot, _, _ int64) error {
		if s != nil {
			encoded = append(encoded, encode(t, s))
		}
		if len(encoded) >= n {
			done()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func same(t testing.TB, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d snapshots, expected %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("snapshot %d differs", i)
		}
	}
}

// within bounds what a test waits for.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}
