package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/internal/broker"
	"presage/internal/kafka"
)

func startBroker(t *testing.T) (*broker.Broker, *kafka.Client) {
	t.Helper()
	return brokerOf(t, broker.Options{RetentionBytes: 256 << 20})
}

// brokerOf starts a broker and dials it.
func brokerOf(t *testing.T, o broker.Options) (*broker.Broker, *kafka.Client) {
	t.Helper()
	b, err := broker.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	client, err := kafka.Dial(t.Context(), kafka.Config{Brokers: []string{b.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return b, client
}

// end runs the program to its end and gives its output.
func end(t *testing.T, want int, args ...string) string {
	t.Helper()
	cmd, output, _ := program(t, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != want {
		t.Errorf("presage %s: exit code %d, want %d:\n%s", strings.Join(args, " "), code, want, output)
	}
	return output.String()
}

// A replay that is stopped and resumed writes as many records as one that is not; a
// second one to the same topics is refused.
func TestReplayStoppedAndResumed(t *testing.T) {
	b, client := startBroker(t)
	state := filepath.Join(t.TempDir(), "replay.json")
	args := func(prefix string, more ...string) []string {
		return append([]string{
			"replay", "--brokers", b.Addr(), "--services", "6", "--rate", "150", "--hours", "0.25", "--seed", "9",
			"--spans", prefix + "_spans", "--metrics", prefix + "_metrics", "--state-file", state,
		}, more...)
	}
	cmd, output, _ := program(t, args("stopped", "--speed", "120x")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for records(t, client, "stopped_spans") < 500 {
		time.Sleep(20 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone || !strings.Contains(output.String(), "--resume") {
		t.Fatalf("stopped: exit code %d:\n%s", code, output)
	}
	if text := end(t, exitFailed, args("stopped")...); !strings.Contains(text, "stopped_spans") || !strings.Contains(text, "holds") {
		t.Errorf("a second replay: %s", text)
	}
	end(t, exitDone, args("stopped", "--resume")...)
	whole := args("whole")
	whole[len(whole)-1] = filepath.Join(t.TempDir(), "other.json")
	end(t, exitDone, whole...)
	for _, signal := range []string{"_spans", "_metrics"} {
		if got, want := records(t, client, "stopped"+signal), records(t, client, "whole"+signal); got != want || want == 0 {
			t.Errorf("%d records of %s after resuming, want %d", got, signal, want)
		}
	}
}

// What run publishes is what subscribe shows: as tables and as JSON lines.
func TestSubscribe(t *testing.T) {
	b, client := startBroker(t)
	config := configFile(t, b.Addr(), "shop")
	end(t, exitDone, "replay", "--brokers", b.Addr(), "--services", "6", "--rate", "60", "--hours", "0.1", "--state-file", "")
	runToEnd(t, client, config, "shop", generatedStart.Add(6*time.Minute))

	follow := func(more ...string) string {
		cmd, output, _ := program(t, append([]string{"subscribe", "--config", config, "--from-start"}, more...)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if code := exitCode(t, cmd, output); code != exitDone {
			t.Errorf("exit code %d:\n%s", code, output)
		}
		return output.String()
	}
	if text := follow(); !strings.Contains(text, "shop  response_time  slice 2020-01-06 00:0") || !strings.Contains(text, "gateway") {
		t.Errorf("tables:\n%s", text)
	}
	lines := strings.Split(strings.TrimSpace(follow("--json", "--service", "gateway", "--target", "requests")), "\n")
	if len(lines) < 10 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, line := range lines {
		var record struct{ Graph, Service, Target string }
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Service != "gateway" || record.Target != "requests" {
			t.Fatalf("line %q: %v", line, err)
		}
	}
}

// A restartable replay starts where there is no state file and resumes where there is one.
func TestRestartableReplay(t *testing.T) {
	state := filepath.Join(t.TempDir(), "replay.json")
	f := replayFlags{speed: "max", stateFile: state, restartable: true}
	if o, err := f.options(); err != nil || o.Resume {
		t.Errorf("without a state file: resume %t, %v", o.Resume, err)
	}
	write(t, state, "{}")
	if o, err := f.options(); err != nil || !o.Resume {
		t.Errorf("with a state file: resume %t, %v", o.Resume, err)
	}
	f.stateFile = ""
	if _, err := f.options(); err == nil {
		t.Error("without the name of a state file: no error")
	}
}
