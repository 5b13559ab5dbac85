package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/ingest/otlp"
	"presage/internal/broker"
	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/replay"
	"presage/replay/generated"
	"presage/windower/slice"
)

// mixer is a replay.Producer that writes a recording as it comes, keyed by trace id, and a
// second time with each span in a record of its own, in any partition.
type mixer struct {
	*feed
	random *rand.Rand
	keyed  string // the topic whose spans are mixed
	mixed  string
}

// Write writes both.
func (m *mixer) Write(ctx context.Context, records []replay.Record) error {
	if err := m.feed.Write(ctx, records); err != nil {
		return err
	}
	var out []replay.Record
	for _, r := range records {
		if r.Topic != m.keyed {
			continue
		}
		if len(r.Value) == 0 { // a watermark, for all partitions
			out = append(out, replay.Record{Topic: m.mixed, Partition: r.Partition, Time: r.Time, Headers: r.Headers})
			continue
		}
		spans := &spanCutter{}
		if err := otlp.NewTraceReader(otlp.Limits{}).Read(r.Value, spans); err != nil {
			return err
		}
		for _, value := range spans.values {
			out = append(out, replay.Record{Topic: m.mixed, Partition: m.random.IntN(mixedPartitions), Time: r.Time, Value: value})
		}
	}
	return m.feed.Write(ctx, out)
}

const mixedPartitions = 4

// spanCutter makes a message of each span.
type spanCutter struct {
	resource []otlp.KeyValue
	values   [][]byte
}

func (s *spanCutter) Resource(raw []byte) (err error) {
	s.resource, err = otlp.ResourceAttributes(raw, nil, otlp.Limits{})
	return err
}

func (s *spanCutter) Span(span *otlp.Span) error {
	s.values = append(s.values, otlp.AppendTraces(nil, []otlp.ResourceSpans{{Resource: s.resource, Spans: []otlp.Span{*span}}}))
	return nil
}

// feedMixed writes a small system twice, keyed and mixed.
func feedMixed(t *testing.T, client *kafka.Client, length time.Duration) error {
	open := func(context.Context) (replay.Source, error) {
		return generated.Open(generated.Options{Seed: 5, Services: 8, Rate: 60, Duration: length})
	}
	_, err := replay.Run(t.Context(), replay.Options{SpansTopic: "otlp_spans", MetricsTopic: "otlp_metrics"}, open, &mixer{
		feed:   &feed{client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{})},
		random: rand.New(rand.NewPCG(3, 1)), keyed: "otlp_spans", mixed: "mixed",
	})
	return err
}

// rekeyFile is of a graph over the keyed spans, or over the mixed ones re-keyed.
func rekeyFile(t *testing.T, addr, graph string, rekey bool) string {
	t.Helper()
	dir := t.TempDir()
	spans := "otlp_spans"
	if rekey {
		spans = "mixed"
	}
	return write(t, filepath.Join(dir, "presage.yaml"), fmt.Sprintf(`
kafka: {brokers: [%q], session_timeout: 6s}
topics: {partials: %[2]s.partials, slices: %[2]s.slices, forecasts: %[2]s.forecasts, deadletter: %[2]s.deadletter}
graphs: [{name: %[2]s, spans: [%[4]s], rekey: %[5]v, slice: 10s, lateness: 15s, max_wait: 0s, metrics_wait: 0s, idle_timeout: 0s}]
model: {input: 4, horizons: 2, network: none}
state: %[3]q
http: ""
`, addr, graph, filepath.Join(dir, "state"), spans, rekey))
}

func mixedTopics() []broker.Topic {
	return []broker.Topic{
		{Name: "otlp_spans", Partitions: mixedPartitions}, {Name: "otlp_metrics", Partitions: 1}, {Name: "mixed", Partitions: mixedPartitions},
	}
}

func startMixed(t *testing.T) (*broker.Broker, *kafka.Client) {
	t.Helper()
	return brokerOf(t, broker.Options{RetentionBytes: 512 << 20, Topics: mixedTopics()})
}

// sameSlices compares two graphs' slices, which all hold calls between services.
func sameSlices(t *testing.T, client *kafka.Client, got, want string) {
	t.Helper()
	wanted, found := slicesOf(t, client, want), slicesOf(t, client, got)
	if len(wanted) < 30 || len(found) != len(wanted) {
		t.Fatalf("%d slices of %s, want %d", len(found), got, len(wanted))
	}
	calls := 0
	for i := range wanted {
		if !found[i].Equal(wanted[i]) {
			t.Fatalf("slice %d of %s differs from that of %s", wanted[i].Index, got, want)
		}
		for _, kind := range wanted[i].Edges.Kind {
			if slice.EdgeKind(kind) == slice.Call {
				calls++
			}
		}
	}
	if calls < 100 {
		t.Errorf("only %d edges are calls", calls)
	}
}

// The slices of spans that nobody keyed are, re-keyed, those of the keyed ones.
func TestRunRekeys(t *testing.T) {
	b, client := startMixed(t)
	if err := feedMixed(t, client, 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	last := generatedStart.Add(10 * time.Minute)
	runToEnd(t, client, rekeyFile(t, b.Addr(), "keyed", false), "keyed", last)
	runToEnd(t, client, rekeyFile(t, b.Addr(), "copied", true), "copied", last)
	sameSlices(t, client, "copied", "keyed")
	if counts, err := client.Partitions(t.Context(), "mixed.by_trace"); err != nil || counts[0] != mixedPartitions {
		t.Errorf("the re-keyed topic has %v partitions: %v", counts, err)
	}
}

// Two processes that only re-key share the topic and are killed at random moments, as is the
// one that reads what they write; the slices are the same.
func TestKilledRekey(t *testing.T) {
	b, client := startMixed(t)
	killRekeyers(t, client, b.Addr(), 20*time.Minute, 5, func() { bury(t, b.Addr()) })
}

// The same on Apache Kafka, and shorter.
func TestKilledRekeyOnARealBroker(t *testing.T) {
	addr := kraft.ForTest(t, kraft.Options{}).Addrs()[0]
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var specs []kafka.TopicSpec
	for _, topic := range mixedTopics() {
		specs = append(specs, kafka.TopicSpec{Name: topic.Name, Partitions: topic.Partitions})
	}
	if err := client.EnsureTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	killRekeyers(t, client, addr, 8*time.Minute, 2, func() {})
}

// killRekeyers kills all that work on a graph, several times, and holds its slices against those of a graph that is left alone.
// died is called when all are dead.
func killRekeyers(t *testing.T, client *kafka.Client, addr string, length time.Duration, lives int, died func()) {
	t.Helper()
	killed, alone := rekeyFile(t, addr, "killed", true), rekeyFile(t, addr, "alone", false)
	fed := make(chan error, 1)
	go func() { fed <- feedMixed(t, client, length) }()
	random := rand.New(rand.NewPCG(11, 7))
	for life := range lives {
		var running []*exec.Cmd
		for _, args := range [][]string{{"run", "--role", "windower"}, {"rekey"}, {"rekey"}} {
			cmd, output, _ := program(t, append(args, "--config", killed)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if t.Failed() {
					t.Logf("life %d, %v:\n%s", life, args, output)
				}
			}()
			running = append(running, cmd)
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		}
		time.Sleep(time.Duration(1000+random.IntN(3000)) * time.Millisecond)
		for _, i := range random.Perm(len(running)) {
			if err := running[i].Process.Kill(); err != nil {
				t.Fatalf("life %d: %v", life, err)
			}
			if err := running[i].Wait(); err == nil {
				t.Fatalf("life %d: a process ended by itself", life)
			}
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
		}
		died()
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	last := generatedStart.Add(length)
	runToEnd(t, client, killed, "killed", last)
	runToEnd(t, client, alone, "alone", last)
	sameSlices(t, client, "killed", "alone")
}

// presage rekey alone is stopped like run, and says so where there is nothing to do.
func TestRekeyCommand(t *testing.T) {
	b, client := startMixed(t)
	cmd, output, _ := program(t, "rekey", "--config", rekeyFile(t, b.Addr(), "none", false))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitFailed || !strings.Contains(output.String(), "rekey: true") {
		t.Errorf("exit code %d:\n%s", code, output)
	}
	cmd, output, _ = program(t, "rekey", "--config", rekeyFile(t, b.Addr(), "alone", true))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 600 {
		if _, err := client.Partitions(t.Context(), "mixed.by_trace"); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone {
		t.Errorf("SIGTERM: exit code %d:\n%s", code, output)
	}
	for _, own := range []string{"alone.slices", "alone.forecasts", "alone.partials"} {
		if _, err := client.Partitions(t.Context(), own); err == nil {
			t.Errorf("it made the topic %s", own)
		}
	}
}

// Where spans are re-keyed, the topic that they are re-keyed into is made with what is
// configured, and needed by who writes and by who reads it.
func TestRekeyedTopics(t *testing.T) {
	for _, tt := range []struct {
		role       string
		partitions int // configured
		want       int
	}{{roleAll, 0, 3}, {roleWindower, 0, 3}, {roleRekey, 0, 3}, {roleRekey, 5, 5}, {roleForecaster, 0, 0}} {
		p, _, _ := topicsPipeline(t, tt.role, func(c *config.Topics) { c.Settings.Rekeyed.Partitions = tt.partitions }, kafka.TopicSpec{Name: "s", Partitions: 3})
		g := config.DefaultGraph()
		g.Name, g.Spans, g.Rekey = "g", []string{"s"}, true
		p.cfg.Graphs = []config.Graph{g}
		for range 2 { // it is not as large as the source must be, once it is there
			if err := p.ensureTopics(t.Context()); err != nil {
				t.Fatalf("role %s: %v", tt.role, err)
			}
		}
		counts, err := p.client.Partitions(t.Context(), "s.by_trace")
		if tt.want == 0 && err == nil || tt.want > 0 && (err != nil || counts[0] != tt.want) {
			t.Errorf("role %s, %d configured: %v partitions, %v", tt.role, tt.partitions, counts, err)
		}
		if got, want := stageGraph(g), []string{"s.by_trace"}; !got.Rekeyed || got.SpanTopics[0] != want[0] || len(got.SpanTopics) != 1 {
			t.Errorf("the windower reads %v, re-keyed %v", got.SpanTopics, got.Rekeyed)
		}
		plain := g
		plain.Rekey = false
		if fingerprint(plain) == fingerprint(g) {
			t.Error("slices of re-keyed spans have the fingerprint of others")
		}
	}
}

func TestConfigTopicsOfRekeyed(t *testing.T) {
	c := config.Default()
	g := config.DefaultGraph()
	g.Name, g.Spans, g.Rekey = "g", []string{"s", "t"}, true
	c.Graphs = []config.Graph{g}
	got := strings.Join(topicScript(c), "\n")
	for _, want := range []string{
		"\n# add --partitions with as many as s has\nkafka-topics.sh --bootstrap-server localhost:9092 --create --topic s.by_trace --replication-factor 1 --config cleanup.policy=delete --config retention.ms=21600000\n",
		"--topic t.by_trace ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks %q", got, want)
		}
	}
	c.Topics.Settings.Rekeyed.Partitions = 12
	if got := strings.Join(topicScript(c), "\n"); strings.Contains(got, "#") || !strings.Contains(got, "--topic t.by_trace --partitions 12 ") {
		t.Errorf("%s", got)
	}
}
