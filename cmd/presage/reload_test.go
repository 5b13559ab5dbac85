package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/transcript"
	"presage/replay"
	"presage/replay/generated"
	"presage/windower/slice"
)

// Only what decides the slices is fixed for a graph's name.
func TestCheckSlices(t *testing.T) {
	graph := config.DefaultGraph()
	graph.Name, graph.Spans = "shop", []string{"spans"}
	tests := []struct {
		name   string
		change func(*config.Graph)
		want   []string // in the error; none: it is allowed
	}{
		{"nothing", func(*config.Graph) {}, nil},
		{"idle_timeout", func(g *config.Graph) { g.IdleTimeout = 0 }, nil},
		{"max_wait", func(g *config.Graph) { g.MaxWait *= 2 }, nil},
		{"another graph", func(g *config.Graph) { g.Name, g.Slice = "other", 1 }, nil},
		{"slice", func(g *config.Graph) { g.Slice = config.Duration(10 * time.Second) },
			[]string{"graph shop", "(slice is 10s, was 1m0s)", "give the graph a new name, or restore"}},
		{"two keys", func(g *config.Graph) { g.Lateness, g.NodeSource = 1, "spans" }, []string{"lateness is 1ns, was 20s; node_source is spans, was prefer_metrics"}},
		{"rekey", func(g *config.Graph) { g.Rekey = true }, []string{"rekey is true, was false"}},
		{"topics", func(g *config.Graph) { g.Spans = []string{"a", "b"} }, []string{"spans is [a b], was [spans]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed := graph
			tt.change(&changed)
			err := checkSlices([]config.Graph{graph}, []config.Graph{changed})
			if (err != nil) != (tt.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
		})
	}
}

// The configuration is read again while a recording comes in: what is bad changes
// nothing, what is good is applied, and the slices are those of an undisturbed run, each once.
func TestReload(t *testing.T) {
	b, err := broker.Start(broker.Options{RetentionBytes: 512 << 20, Topics: []broker.Topic{
		{Name: "otlp_spans", Partitions: 2}, {Name: "otlp_metrics", Partitions: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	parts := newParts(t, client, 5*time.Minute, 10*time.Minute, 15*time.Minute)

	file := configFile(t, b.Addr(), "reloaded")
	text := strings.ReplaceAll(read(t, file), "epochs: 2", "network: none")
	token := write(t, filepath.Join(filepath.Dir(file), "token"), "first-token\n")
	text = strings.ReplaceAll(text, `http: ""`, fmt.Sprintf("http: {address: '127.0.0.1:0', token_file: %q}", token))
	write(t, file, text)
	r := startReloadable(t, file)
	r.token = "first-token"

	parts.wait(t, 0) // the first five minutes are there
	r.until(t, "slices of the first part", func() bool { return r.metric(t, "presage_slices_written_total") >= 20 })

	// Bad files: the reason is told, and nothing else happens.
	for i, bad := range []struct{ from, to, reason string }{
		{"slice: 10s", "slise: 10s", `unknown key \"slise\"`},
		{"slice: 10s", "slice: 20s", "give the graph a new name"},
		{"network: none", "network: lstm", "no forecaster \\\"lstm\\\""},
		{b.Addr(), "127.0.0.1:1", "nothing listens there"},
		{filepath.Join(filepath.Dir(file), "state"), "/dev/null/state", "state folder"},
		{token, token + ".gone", "http.token_file"},
		{"address: '127.0.0.1:0'", "address: '127.0.0.1:0', tls: {cert_file: /none, key_file: /none}", "/none"},
	} {
		write(t, file, strings.ReplaceAll(text, bad.from, bad.to))
		r.hangUp(t, reloadRejected, i+1)
		if !strings.Contains(r.output.String(), bad.reason) {
			t.Errorf("%s: the log lacks %q:\n%s", bad.to, bad.reason, r.output)
		}
	}
	if n := strings.Count(r.output.String(), "msg=running"); n != 1 {
		t.Errorf("%d pipelines were started:\n%s", n, r.output)
	}

	// The token and the level of the log need no other pipeline.
	write(t, token, "second-token\n")
	write(t, file, text+"log: debug\n")
	r.asked <- os.Interrupt // any value asks
	r.until(t, "the new token", func() bool { return r.status(t, "first-token") == http.StatusUnauthorized })
	r.token = "second-token"
	r.until(t, "the reload", func() bool { return r.metric(t, `presage_config_reloads_total{result="applied"}`) == 1 })
	if n := strings.Count(r.output.String(), "msg=running"); n != 1 {
		t.Errorf("%d pipelines were started:\n%s", n, r.output)
	}

	// All else does: in the middle of the stream, with and without anything to do.
	written := r.metric(t, "presage_slices_written_total")
	write(t, file, strings.ReplaceAll(text, "max_wait: 0s", "max_wait: 1h"))
	parts.release()
	r.hangUp(t, reloadApplied, 2)
	parts.wait(t, 1)
	parts.release()
	write(t, file, strings.ReplaceAll(text, "input: 4", "input: 5"))
	r.hangUp(t, reloadApplied, 3)
	parts.wait(t, 2)
	r.until(t, "slices of the third part", func() bool { return records(t, client, "reloaded.slices") >= 80 })
	write(t, file, strings.ReplaceAll(text, "network: none", "network: none, retrain_every: 99"))
	r.hangUp(t, reloadApplied, 4)
	parts.release()
	if err := <-parts.done; err != nil {
		t.Fatal(err)
	}
	last := generatedStart.Add(20 * time.Minute).UnixNano()
	r.until(t, "the last slice", func() bool {
		all := slicesOf(t, client, "reloaded")
		return len(all) > 0 && all[len(all)-1].Start()+all[len(all)-1].Width >= last
	})
	if n := r.metric(t, "presage_slices_written_total"); n < written {
		t.Errorf("%v slices are counted, %v were before the reloads", n, written)
	}
	if r.metric(t, "presage_kafka_read_records_total") < float64(records(t, client, "otlp_spans")) {
		t.Error("the client's counts began anew")
	}
	r.end(t)
	for _, secret := range []string{"first-token", "second-token"} {
		if strings.Contains(r.output.String(), secret) {
			t.Errorf("the log holds %q", secret)
		}
	}

	alone := configFile(t, b.Addr(), "alone")
	write(t, alone, strings.ReplaceAll(read(t, alone), "epochs: 2", "network: none"))
	runToEnd(t, client, alone, "alone", generatedStart.Add(20*time.Minute))
	want, got := slicesOf(t, client, "alone"), slicesOf(t, client, "reloaded")
	if len(want) < 100 || len(got) != len(want) {
		t.Fatalf("%d slices, want %d", len(got), len(want))
	}
	for i := range want {
		if !got[i].Equal(want[i]) {
			t.Fatalf("slice %d differs from the undisturbed run's", want[i].Index)
		}
	}
	for index, n := range timesWritten(t, client, "reloaded.slices") {
		if n != 1 {
			t.Errorf("slice %d is in the topic %d times", index, n)
		}
	}
}

// A pipeline that fails with its new configuration makes way for the one before.
func TestReloadThatFailsLater(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: "otlp_spans"}, {Name: "otlp_metrics"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	file := configFile(t, b.Addr(), "g")
	text := strings.ReplaceAll(read(t, file), `http: ""`, "http: 127.0.0.1:0")
	write(t, file, text)
	r := startReloadable(t, file)
	write(t, file, strings.ReplaceAll(text, "spans: [otlp_spans]", "spans: [nothing_here]"))
	r.asked <- os.Interrupt
	r.until(t, "rejection", func() bool { return r.metric(t, `presage_config_reloads_total{result="rejected"}`) == 1 })
	// Another graph of the same file, over a topic that is not there: known only when it runs.
	write(t, file, strings.ReplaceAll(strings.ReplaceAll(text, "name: g", "name: h"), "spans: [otlp_spans]", "spans: [nothing_here]"))
	r.asked <- os.Interrupt
	r.until(t, "going back", func() bool { return r.metric(t, `presage_config_reloads_total{result="reverted"}`) == 1 })
	r.until(t, "the pipeline before", func() bool { return strings.Count(r.output.String(), "msg=running") == 3 })
	write(t, file, text+"log: error\n")
	r.asked <- os.Interrupt
	r.until(t, "the next reload", func() bool { return r.metric(t, `presage_config_reloads_total{result="applied"}`) == 2 })
	r.end(t)
}

// The signal reaches the program.
func TestHangUp(t *testing.T) {
	b, err := broker.Start(broker.Options{Topics: []broker.Topic{{Name: "otlp_spans"}, {Name: "otlp_metrics"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	file := configFile(t, b.Addr(), "g")
	cmd, _, _ := program(t, "run", "--config", file)
	output := &transcript.Transcript{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait := func(text string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !strings.Contains(output.String(), text); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("no %q:\n%s", text, output)
			}
		}
	}
	wait("msg=running")
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wait("pipeline_restarts=false")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v:\n%s", err, output)
	}
}

// HTTP moves to another address, also one of the same port, and stays where it is when it can't.
func TestFrontMoves(t *testing.T) {
	metrics, err := newInstruments()
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(metrics.registry, func() bool { return true }, newLogger(io.Discard, "info"))
	defer f.close()
	apply := func(address string) error { return f.apply(t.Context(), config.HTTP{Address: address}, "") }
	answers := func() bool {
		res, err := http.Get(f.server.URL() + "/healthz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	if err := apply("127.0.0.1:0"); err != nil || !answers() {
		t.Fatal(err)
	}
	same := port(f.server.Addr())
	if err := apply("0.0.0.0:" + same); err != nil || !answers() || port(f.server.Addr()) != same {
		t.Errorf("same port on all addresses: %v", err)
	}
	if err := apply("192.0.2.1:" + same); err == nil || !answers() || port(f.server.Addr()) != same {
		t.Errorf("an address that is not this machine's: %v", err)
	}
	taken := newFront(metrics.registry, func() bool { return true }, newLogger(io.Discard, "info"))
	defer taken.close()
	if err := taken.apply(t.Context(), config.HTTP{Address: "127.0.0.1:0"}, ""); err != nil {
		t.Fatal(err)
	}
	if err := apply(taken.server.Addr()); err == nil || !answers() {
		t.Errorf("a port in use: %v", err)
	}
	if err := apply(""); err != nil || f.server != nil {
		t.Errorf("nothing: %v", err)
	}
}

// reloadable is a run in this process.
type reloadable struct {
	asked  chan os.Signal
	output *transcript.Transcript
	url    string
	token  string
	cancel context.CancelFunc
	done   chan error
}

func startReloadable(t *testing.T, file string) *reloadable {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &reloadable{asked: make(chan os.Signal), output: &transcript.Transcript{}, cancel: cancel, done: make(chan error, 1)}
	load := func() (settings, error) { return loadSettings(file, nil) }
	go func() { r.done <- run(ctx, load, r.asked, roleAll, r.output) }()
	t.Cleanup(cancel)
	listening := regexp.MustCompile(`metrics=(\S+)`)
	r.until(t, "HTTP", func() bool {
		m := listening.FindStringSubmatch(r.output.String())
		if m != nil {
			r.url = m[1]
		}
		return m != nil
	})
	return r
}

// until polls; only a hang reaches its bound.
func (r *reloadable) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-r.done:
			t.Fatalf("the run ended while waiting for %s: %v\n%s", what, err, r.output)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s:\n%s", what, r.output)
		}
	}
}

// hangUp asks for a reload and waits for its result.
func (r *reloadable) hangUp(t *testing.T, result string, count int) {
	t.Helper()
	r.asked <- os.Interrupt
	r.until(t, "a reload that is "+result, func() bool {
		return r.metric(t, `presage_config_reloads_total{result="`+result+`"}`) == float64(count)
	})
}

func (r *reloadable) end(t *testing.T) {
	t.Helper()
	r.cancel()
	if err := <-r.done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func (r *reloadable) get(t *testing.T, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.output)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func (r *reloadable) status(t *testing.T, token string) int {
	code, _ := r.get(t, token)
	return code
}

// metric adds up the series whose names begin so.
func (r *reloadable) metric(t *testing.T, prefix string) (sum float64) {
	t.Helper()
	code, body := r.get(t, r.token)
	if code != http.StatusOK {
		t.Fatalf("/metrics: %d", code)
	}
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, prefix) {
			fields := strings.Fields(line)
			v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += v
		}
	}
	return sum
}

// parts writes twenty minutes of a small system and waits, whenever an event time is
// reached, to be released.
type parts struct {
	reached []chan struct{}
	gate    chan struct{}
	done    chan error
}

func newParts(t *testing.T, client *kafka.Client, at ...time.Duration) *parts {
	p := &parts{gate: make(chan struct{}), done: make(chan error, 1)}
	for range at {
		p.reached = append(p.reached, make(chan struct{}))
	}
	next := 0
	pace := func(ctx context.Context, records []kafka.Record) error {
		for _, r := range records {
			for _, h := range r.Headers {
				ns, err := strconv.ParseInt(string(h.Value), 10, 64)
				if err != nil || next == len(at) || ns < generatedStart.Add(at[next]).UnixNano() {
					continue
				}
				close(p.reached[next])
				next++
				select {
				case <-p.gate:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	}
	go func() {
		open := func(context.Context) (replay.Source, error) {
			return generated.Open(generated.Options{Seed: 3, Services: 8, Rate: 80, Duration: 20 * time.Minute})
		}
		_, err := replay.Run(t.Context(), replay.Options{SpansTopic: "otlp_spans", MetricsTopic: "otlp_metrics"}, open,
			&feed{client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{}), pace: pace})
		p.done <- err
	}()
	return p
}

func (p *parts) wait(t *testing.T, part int) {
	t.Helper()
	select {
	case <-p.reached[part]:
	case err := <-p.done:
		t.Fatalf("the recording ended before part %d: %v", part, err)
	}
}

func (p *parts) release() { p.gate <- struct{}{} }

// timesWritten tells how often each slice's first revision is in a topic.
func timesWritten(t *testing.T, client *kafka.Client, topic string) map[int64]int {
	t.Helper()
	ends, err := client.Ends(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := slice.NewSnapshotReader()
	if err != nil {
		t.Fatal(err)
	}
	defer chunks.Close()
	times := map[int64]int{}
	err = client.ReadRange(t.Context(), topic, 0, ends[0].First, ends[0].End, func(records []kafka.Record) error {
		for _, r := range records {
			s, err := chunks.Add(r.Value)
			if err != nil {
				return err
			}
			if s != nil && s.Revision == 1 {
				times[s.Index]++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	indices := slices.Sorted(maps.Keys(times))
	if n := len(indices); n == 0 || indices[n-1]-indices[0] != int64(n-1) {
		t.Errorf("%d slices, not all from the first to the last", n)
	}
	return times
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
