package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
	"presage/replay"
	"presage/replay/generated"
	"presage/sink"
	"presage/windower/slice"
	"presage/windower/stage"
)

// generatedStart is where generated recordings begin.
var generatedStart = time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC)

// A run that is killed at random moments writes the same slices as one that is left
// alone, forecasts the same services at the same slices, and says nothing twice with different content.
func TestKilledRun(t *testing.T) {
	b, err := broker.Start(broker.Options{RetentionBytes: 512 << 20, Topics: []broker.Topic{
		{Name: "otlp_spans", Partitions: 3}, {Name: "otlp_metrics", Partitions: 2},
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
	killed := configFile(t, b.Addr(), "killed")
	alone := configFile(t, b.Addr(), "alone")

	// The victim reads while the recording is being written and dies five times.
	fed := make(chan error, 1)
	go func() { fed <- feedGenerated(t, client) }()
	random := rand.New(rand.NewPCG(7, 7))
	for i := range 5 {
		cmd, output := start(t, killed)
		time.Sleep(time.Duration(300+random.IntN(2500)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatalf("life %d: %v", i, err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("life %d ended by itself:\n%s", i, output)
		}
		bury(t, b.Addr())
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	runToEnd(t, client, killed, "killed", generatedStart.Add(20*time.Minute))
	runToEnd(t, client, alone, "alone", generatedStart.Add(20*time.Minute))

	want, got := slicesOf(t, client, "alone"), slicesOf(t, client, "killed")
	if len(want) < 100 || len(got) != len(want) {
		t.Fatalf("%d slices, want %d", len(got), len(want))
	}
	for i := range want {
		if !got[i].Equal(want[i]) {
			t.Fatalf("slice %d differs from the undisturbed run's", want[i].Index)
		}
	}
	wantKeys, gotKeys := forecastsOf(t, client, "alone"), forecastsOf(t, client, "killed")
	if len(wantKeys) == 0 {
		t.Fatal("no forecasts")
	}
	for key := range wantKeys {
		if !gotKeys[key] {
			t.Errorf("the forecast %s is missing", key)
		}
	}
	for key := range gotKeys {
		if !wantKeys[key] {
			t.Errorf("the forecast %s is one too many", key)
		}
	}
}

// configFile is of a graph of its own over the shared telemetry.
func configFile(t *testing.T, addr, graph string) string {
	t.Helper()
	dir := t.TempDir()
	return write(t, filepath.Join(dir, "presage.yaml"), fmt.Sprintf(`
kafka: {brokers: [%q]}
topics: {partials: %[2]s.partials, slices: %[2]s.slices, forecasts: %[2]s.forecasts, deadletter: %[2]s.deadletter}
graphs: [{name: %[2]s, spans: [otlp_spans], metrics: [otlp_metrics], slice: 10s, lateness: 5s, metrics_lateness: 5s, max_wait: 0s, metrics_wait: 0s, idle_timeout: 0s}]
model: {input: 4, horizons: 2, epochs: 2}
state: %[3]q
http: ""
`, addr, graph, filepath.Join(dir, "state")))
}

func start(t *testing.T, config string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd, output, _ := program(t, "run", "--config", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, output
}

// feedGenerated writes twenty minutes of a small system.
func feedGenerated(t *testing.T, client *kafka.Client) error {
	open := func(context.Context) (replay.Source, error) {
		return generated.Open(generated.Options{Seed: 3, Services: 8, Rate: 80, Duration: 20 * time.Minute})
	}
	_, err := replay.Run(t.Context(), replay.Options{SpansTopic: "otlp_spans", MetricsTopic: "otlp_metrics"}, open,
		&feed{client: client, producer: kafka.NewProducer(client, kafka.ProducerConfig{})})
	return err
}

// runToEnd runs until the slice that holds an instant is written and forecast, and
// nothing comes any more; then it stops the run by SIGTERM. After a kill the group waits for its dead
// members' session time-out first.
func runToEnd(t *testing.T, client *kafka.Client, config, graph string, last time.Time) {
	t.Helper()
	cmd, output := start(t, config)
	quiet, before := 0, int64(-1)
	for deadline := time.Now().Add(5 * time.Minute); quiet < 4; time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait() // it writes to output
			t.Fatalf("graph %s does not come to its end:\n%s", graph, output)
		}
		n := records(t, client, graph+".slices") + records(t, client, graph+".forecasts")
		if n == 0 || n != before {
			quiet, before = 0, n
			continue
		}
		all := slicesOf(t, client, graph)
		if len(all) == 0 || all[len(all)-1].Start()+all[len(all)-1].Width < last.UnixNano() || !isForecast(t, client, graph, all[len(all)-1].Start()) {
			continue // a forecaster may be quiet for long: it waits for its group, or for a busy machine
		}
		quiet++
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone {
		t.Errorf("SIGTERM: exit code %d:\n%s", code, output)
	}
}

// isForecast tells whether a slice has a forecast.
func isForecast(t *testing.T, client *kafka.Client, graph string, start int64) bool {
	t.Helper()
	at := fmt.Sprintf(" %d +1", start)
	for key := range forecastsOf(t, client, graph) {
		if strings.HasSuffix(key, at) {
			return true
		}
	}
	return false
}

func records(t *testing.T, client *kafka.Client, topic string) (n int64) {
	t.Helper()
	ends, err := client.Ends(t.Context(), topic)
	if err != nil {
		return 0 // not made yet
	}
	for _, e := range ends {
		n += e.End - e.First
	}
	return n
}

// slicesOf reads a graph's slices, less what names the graph.
func slicesOf(t *testing.T, client *kafka.Client, graph string) (all []*slice.Snapshot) {
	t.Helper()
	err := stage.ReadSlices(t.Context(), stage.SlicesConfig{Client: client, Topic: graph + ".slices", Graph: graph, From: kafka.FirstOffset},
		func(s *slice.Snapshot, _, _ int64) error {
			c := *s
			c.Graph, c.Fingerprint = "", 0
			all = append(all, &c)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// forecastsOf reads what was forecast: service, target, slice and step. A record
// that is there twice must say the same.
func forecastsOf(t *testing.T, client *kafka.Client, graph string) map[string]bool {
	t.Helper()
	topic := graph + ".forecasts"
	ends, err := client.Ends(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	keys, said := map[string]bool{}, map[string]string{}
	for partition, e := range ends {
		err := client.ReadRange(t.Context(), topic, partition, e.First, e.End, func(records []kafka.Record) error {
			for _, r := range records {
				record, err := sink.Decode(r.Value)
				if err != nil {
					return err
				}
				id := fmt.Sprintf("%s %s %d", record.Service, record.Target, record.SliceStart)
				content := string(sink.Encode(record.Forecast, 0))
				if before, ok := said[id]; ok && before != content {
					t.Errorf("%s was said twice:\n%s\n%s", id, before, content)
				}
				said[id] = content
				for _, h := range record.Horizons {
					keys[fmt.Sprintf("%s +%d", id, h.Step)] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return keys
}
