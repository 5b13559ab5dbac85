package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"presage/internal/summary"
)

// readSummary waits for nothing: the program has ended.
func readSummary(t *testing.T, file string) summary.Summary {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s summary.Summary
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// Ctrl-C in the middle ends the demo in good order: exit 0, a summary, no process,
// no temporary file.
func TestDemoInterrupted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "summary.json")
	cmd, output, temp := program(t, "demo", "--services", "8", "--rate", "60", "--hours", "0.2", "--summary", file, "--http", "127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for len(state(t, temp)) == 0 && time.Now().Before(deadline) {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(2 * time.Second)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone {
		t.Errorf("exit code %d:\n%s", code, output)
	}
	if left := state(t, temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	readSummary(t, file)
}

func state(t *testing.T, temp string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

// A recording goes through the whole chain, and the demo ends with it.
func TestDemoOfARecording(t *testing.T) {
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: the real recordings are not here")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "summary.json")
	cmd, output, _ := program(t, "demo", "--format", "alibaba-2021", "--data", filepath.Join(root, "data", "alibaba-2021"),
		"--summary", file, "--state", filepath.Join(dir, "state"), "--http", "127.0.0.1:0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitDone {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	s := readSummary(t, file)
	if s.Slices != 31 || s.SpansRead == 0 || s.Edges == 0 || s.ForecastsPublished == 0 || len(s.SpansDropped) != 0 {
		t.Errorf("summary %+v", s)
	}
	for _, name := range []string{"nodes.parquet", "edges.csv", "forecasts.arrow"} {
		out := filepath.Join(dir, name)
		table := name[:len(name)-len(filepath.Ext(name))]
		cmd, output, _ := program(t, "history", "export", "--state", filepath.Join(dir, "state"), "--table", table, "--out", out)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if code := exitCode(t, cmd, output); code != exitDone {
			t.Errorf("export %s: exit code %d:\n%s", name, code, output)
		}
		if info, err := os.Stat(out); err != nil || info.Size() == 0 {
			t.Errorf("export %s: %v", name, err)
		}
	}
}
