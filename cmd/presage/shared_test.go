//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/kraft"
	"presage/internal/transcript"
	"presage/sink"
	"presage/sink/ownership"
	"presage/windower/slice"
)

// installation is graphs whose slices the test writes itself, and the processes that
// forecast them.
type installation struct {
	t       *testing.T
	client  *kafka.Client
	addr    string
	prefix  string // of its topics
	graphs  []string
	session time.Duration
}

// The services of each graph, and the targets: every one gets a record a slice.
var (
	sharedServices = []string{"cart", "front", "stock"}
	sharedTargets  = 2
)

func newInstallation(t *testing.T, addr, prefix string, session time.Duration, partitions int, graphs ...string) *installation {
	t.Helper()
	in := &installation{t: t, addr: addr, prefix: prefix, graphs: graphs, session: session}
	in.client = in.dial()
	specs := []kafka.TopicSpec{
		{Name: prefix + "partials", Partitions: 1}, {Name: prefix + "slices", Partitions: partitions},
		{Name: prefix + "forecasts", Partitions: 4}, {Name: prefix + "dead", Partitions: 1},
	}
	if err := in.client.EnsureTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return in
}

func (in *installation) dial() *kafka.Client {
	in.t.Helper()
	c, err := kafka.Dial(in.t.Context(), kafka.Config{Brokers: []string{in.addr}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(c.Close)
	return c
}

// config writes a process's configuration. Without a network its forecasts follow from the slices alone.
func (in *installation) config(state string) string {
	in.t.Helper()
	var graphs []string
	for _, g := range in.graphs {
		graphs = append(graphs, fmt.Sprintf("{name: %s, spans: [%sspans-%s], slice: 10s, clock: event}", g, in.prefix, g))
	}
	return write(in.t, filepath.Join(in.t.TempDir(), "presage.yaml"), fmt.Sprintf(`
kafka: {brokers: [%q], session_timeout: %s}
topics: {partials: %[3]spartials, slices: %[3]sslices, forecasts: %[3]sforecasts, deadletter: %[3]sdead}
graphs: [%s]
model: {input: 4, horizons: 2, network: none}
state: %q
http: ""
`, in.addr, in.session, in.prefix, strings.Join(graphs, ", "), state))
}

// write writes the slices from, up to and without to, of every graph.
func (in *installation) write(from, to int64) {
	in.t.Helper()
	counts, err := in.client.Partitions(in.t.Context(), in.prefix+"slices")
	if err != nil {
		in.t.Fatal(err)
	}
	var records []kafka.Record
	for k := from; k < to; k++ {
		for _, g := range in.graphs {
			s := sharedSlice(g, k)
			chunks, err := slice.EncodeSnapshot(s, 0)
			if err != nil {
				in.t.Fatal(err)
			}
			for i, c := range chunks {
				records = append(records, kafka.Record{
					Topic: in.prefix + "slices", Partition: kafka.Partition([]byte(g), counts[0]),
					Key: fmt.Appendf(nil, "%s/%d/%d/%d", g, s.Index, s.Revision, i), Value: c,
				})
			}
		}
	}
	if err := kafka.NewProducer(in.client, kafka.ProducerConfig{}).Write(in.t.Context(), records); err != nil {
		in.t.Fatal(err)
	}
}

// sharedSlice is the k-th slice of a graph.
func sharedSlice(graph string, k int64) *slice.Snapshot {
	const first = 176722560
	random := rand.New(rand.NewPCG(uint64(len(graph)), uint64(k)))
	s := &slice.Snapshot{Graph: graph, Fingerprint: 1, Width: 10e9, Index: first + k, Revision: 1, Complete: true, Segment: first}
	n := &s.Nodes
	for i, name := range sharedServices {
		n.Service, n.Virtual = append(n.Service, name), append(n.Virtual, false)
		for j, c := range []*slice.Column{&n.Mean, &n.Requests, &n.Arrivals, &n.Errors, &n.P50, &n.P95, &n.P99, &n.CPU, &n.Memory, &n.Replicas, &n.Unpaired} {
			observed := j < 4
			c.Valid, c.Value = append(c.Valid, observed), append(c.Value, 0)
			if observed {
				c.Value[i] = math.Round(float64(20+10*i) + 5*math.Sin(float64(k)) + 3*random.Float64())
			}
		}
	}
	s.Edges.Offset = make([]int32, len(n.Service)+1)
	return s
}

// forecasts reads what is on the forecast topic: the first record by key, and how
// many came after a first.
func (in *installation) forecasts() (firsts map[string]string, doubles int) {
	in.t.Helper()
	topic := in.prefix + "forecasts"
	ends, err := in.client.Ends(in.t.Context(), topic)
	if err != nil {
		in.t.Fatal(err)
	}
	firsts = map[string]string{}
	for partition, e := range ends {
		err := in.client.ReadRange(in.t.Context(), topic, partition, e.First, e.End, func(records []kafka.Record) error {
			for _, r := range records {
				record, err := sink.Decode(r.Value)
				if err != nil {
					return err
				}
				id := fmt.Sprint(record.Graph, " ", record.Service, " ", record.Target, " ", record.SliceStart)
				if _, ok := firsts[id]; ok {
					doubles++
					continue
				}
				firsts[id] = string(sink.Encode(record.Forecast, 0))
			}
			return nil
		})
		if err != nil {
			in.t.Fatal(err)
		}
	}
	return firsts, doubles
}

// await waits until the first n slices of every graph are forecast.
func (in *installation) await(n int) {
	in.t.Helper()
	want, have := n*len(in.graphs)*len(sharedServices)*sharedTargets, 0
	until(in.t, func() bool {
		firsts, _ := in.forecasts()
		have = len(firsts)
		return have >= want
	}, func() string { return fmt.Sprintf("%d forecasts came of %d", have, want) })
}

func until(t *testing.T, condition func() bool, otherwise func() string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(otherwise())
		}
	}
}

// child is a forecaster as a process of its own.
type child struct {
	*exec.Cmd
	t      *testing.T
	output transcript.Transcript
}

func (in *installation) start(state string) *child {
	in.t.Helper()
	p := &child{t: in.t}
	p.Cmd, _, _ = program(in.t, "run", "--role", "forecaster", "--config", in.config(state))
	p.Stdout, p.Stderr = &p.output, &p.output
	if err := p.Start(); err != nil {
		in.t.Fatal(err)
	}
	return p
}

// says waits until the process has logged something.
func (p *child) says(what string) {
	p.t.Helper()
	until(p.t, func() bool { return strings.Contains(p.output.String(), what) }, func() string { return fmt.Sprintf("no %q in\n%s", what, p.output.String()) })
}

func (p *child) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatalf("%v: %v; output:\n%s", s, err, p.output.String())
	}
}

func (p *child) terminate() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := exitCode(p.t, p.Cmd, &p.output); code != exitDone {
		p.t.Errorf("SIGTERM: exit code %d:\n%s", code, p.output.String())
	}
}

// member is a forecaster in the test's own process.
type member struct {
	*pipeline
	stop func()
}

func (in *installation) join(state string) *member {
	in.t.Helper()
	cfg, err := config.Load(in.config(state), nil, nil)
	if err != nil {
		in.t.Fatal(err)
	}
	p := testPipeline(in.t, cfg, roleForecaster, in.dial(), slog.New(slog.NewTextHandler(in.t.Output(), nil)))
	p.background, p.shared = true, true
	ctx, cancel := context.WithCancel(in.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			in.t.Error(err)
		}
	})
	in.t.Cleanup(stop)
	return &member{p, stop}
}

// owns tells how many graphs a member owns, by its gauge.
func (m *member) owns(t *testing.T) (n int) {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "presage_forecaster_owner" {
			for _, metric := range f.Metric {
				n += int(metric.GetGauge().GetValue())
			}
		}
	}
	return n
}

// undisturbed is what one forecaster says of the first n slices.
func undisturbed(t *testing.T, addr, prefix string, session time.Duration, partitions, n int, graphs ...string) map[string]string {
	t.Helper()
	in := newInstallation(t, addr, prefix, session, partitions, graphs...)
	in.write(0, int64(n))
	m := in.join(t.TempDir())
	in.await(n)
	m.stop()
	firsts, doubles := in.forecasts()
	if want := n * len(graphs) * len(sharedServices) * sharedTargets; len(firsts) != want || doubles > 0 {
		t.Fatalf("undisturbed: %d forecasts, %d of them doubles, want %d", len(firsts), doubles, want)
	}
	return firsts
}

func sameForecasts(t *testing.T, got, want map[string]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d forecasts, want %d", len(got), len(want))
	}
	for id, text := range want {
		if got[id] != text {
			t.Fatalf("%s: the first record is\n%s\nundisturbed\n%s", id, got[id], text)
		}
	}
}

func sharedBroker(t *testing.T) string {
	t.Helper()
	b, err := broker.Start(broker.Options{MinSessionTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b.Addr()
}

// The owner of a graph goes without a word, and another process goes on in its place.
func TestAnotherProcessTakesOver(t *testing.T) {
	const session = 3 * time.Second
	addr := sharedBroker(t)
	want := undisturbed(t, addr, "alone.", session, 1, 33, "shop")
	for _, tt := range []struct {
		name      string
		signal    syscall.Signal
		oneFolder bool
	}{
		{"killed", syscall.SIGKILL, false},
		{"killed in one state folder", syscall.SIGKILL, true},
		{"paused", syscall.SIGSTOP, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := newInstallation(t, addr, strings.ReplaceAll(t.Name(), "/", ".")+".", session, 1, "shop")
			takeOver(t, in, tt.signal, tt.oneFolder, want)
		})
	}
}

// TestTakeOverOnRealKafka is the same on Apache Kafka.
func TestTakeOverOnRealKafka(t *testing.T) {
	const session = 6 * time.Second
	addr := kraft.ForTest(t, kraft.Options{}).Addrs()[0]
	want := undisturbed(t, addr, "alone.", session, 1, 33, "shop")
	takeOver(t, newInstallation(t, addr, "killed.", session, 1, "shop"), syscall.SIGKILL, false, want)
}

func takeOver(t *testing.T, in *installation, signal syscall.Signal, oneFolder bool, want map[string]string) {
	states := []string{t.TempDir(), t.TempDir()}
	if oneFolder {
		states[1] = states[0]
	}
	in.write(0, 12)
	first := in.start(states[0])
	in.await(12)
	second := in.start(states[1])
	second.says("standing by")
	in.write(12, 18)
	in.await(18)
	first.signal(signal)
	in.write(18, 30)
	in.await(30)
	if signal == syscall.SIGSTOP {
		first.signal(syscall.SIGCONT)
		first.says("no longer forecasting")
	} else {
		_ = first.Wait()
	}
	in.write(30, 33)
	in.await(33)
	second.terminate()
	got, doubles := in.forecasts()
	sameForecasts(t, got, want)
	if signal != syscall.SIGSTOP {
		if doubles > 0 {
			t.Errorf("%d forecasts are there twice", doubles)
		}
		return
	}
	t.Logf("the zombie wrote %d forecasts late", doubles)
	first.terminate()
}

// Three graphs lie on two partitions; processes come and go in good order.
func TestGraphsAreShared(t *testing.T) {
	const session = 6 * time.Second
	graphs := []string{"shop", "bank", "blog"} // shop and blog share a partition
	addr := sharedBroker(t)
	want := undisturbed(t, addr, "alone.", session, 2, 30, graphs...)
	in := newInstallation(t, addr, "shared.", session, 2, graphs...)
	states := []string{t.TempDir(), t.TempDir()}
	first := in.join(states[0])
	in.write(0, 5)
	in.await(5)
	second := in.join(states[1])
	share := func(a, b *member) {
		t.Helper()
		until(t, func() bool { return a.owns(t)+b.owns(t) == 3 && a.owns(t) > 0 && b.owns(t) > 0 }, func() string { return "the graphs are not shared" })
	}
	share(first, second)
	in.write(5, 10)
	in.await(10)
	first.stop()
	until(t, func() bool { return second.owns(t) == 3 }, func() string { return "the graphs were not taken over" })
	in.write(10, 20)
	in.await(20)
	again := in.join(states[0])
	share(again, second)
	in.write(20, 30)
	in.await(30)
	third := in.join(t.TempDir())
	until(t, func() bool { return third.ready(roleForecaster) }, func() string { return "a standby does not get ready" })
	third.stop()
	again.stop()
	second.stop()
	commits, err := in.client.Committed(t.Context(), ownership.Group(in.prefix+"slices", graphs), in.prefix+"slices")
	if err != nil || commits[0].Offset != 60 || commits[1].Offset != 30 {
		t.Errorf("commits %v (%v), want the ends of the partitions", commits, err)
	}
	got, doubles := in.forecasts()
	sameForecasts(t, got, want)
	if doubles > 0 {
		t.Errorf("%d forecasts are there twice", doubles)
	}
}
