package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"presage/internal/config"
	"presage/internal/kafka"
)

// TestMain lets the test binary be the program itself: tests start it as a process
// of its own, to send it signals and to look at its exit code.
func TestMain(m *testing.M) {
	if os.Getenv("PRESAGE_TEST_AS_PROGRAM") == "1" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		code := execute(ctx, os.Args[1:])
		stop()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// program is the program as a process. Its temporary files go to a folder of the test.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, output *bytes.Buffer, temp string) {
	t.Helper()
	temp = t.TempDir()
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "PRESAGE_TEST_AS_PROGRAM=1", "TMPDIR="+temp)
	output = &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = output, output
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	return cmd, output, temp
}

// exitCode waits for the program, which must end by itself within a bound that only
// a hang would reach.
func exitCode(t *testing.T, cmd *exec.Cmd, output fmt.Stringer) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(2 * time.Minute):
		_ = cmd.Process.Kill()
		<-done
		t.Fatalf("%v hangs; output:\n%s", cmd.Args, output)
		return -1
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every wrong input is one clear error that names what is wrong and where.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(other, "MSCallGraph_0.csv"), "a,b,c\n1,2,3\n")
	cut := filepath.Join(dir, "cut")
	if err := os.Mkdir(cut, 0o755); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	_, _ = pack.Write([]byte("window,trace_id,start_us,src,dst,latency_us\n" + strings.Repeat("w,t,1570673588451239,a,b,2017\n", 5000)))
	_ = pack.Close()
	write(t, filepath.Join(cut, "calls.csv.gz"), packed.String()[:packed.Len()/2])
	typo := write(t, filepath.Join(dir, "typo.yaml"), "graphs:\n  - name: a\n    spams: [x]\n")
	good := write(t, filepath.Join(dir, "good.yaml"),
		"kafka: {brokers: ['127.0.0.1:1'], dial_timeout: 2s}\ngraphs: [{name: a, spans: [x]}]\nhttp: ''\nstate: "+filepath.Join(dir, "state")+"\n")
	matrix := write(t, filepath.Join(dir, "m.csv"), "1,2\n3\n")
	tests := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"unknown command", []string{"forecast"}, exitMisuse, []string{"unknown command", "--help"}},
		{"unknown flag", []string{"demo", "--fro", "1h"}, exitMisuse, []string{"--fro"}},
		{"wrong value", []string{"demo", "--for", "soon"}, exitMisuse, []string{"--for"}},
		{"negative time", []string{"demo", "--for", "-5s"}, exitMisuse, []string{"--for"}},
		{"unknown format", []string{"demo", "--format", "zipkin"}, exitMisuse, []string{"zipkin", "alibaba-2021"}},
		{"no data", []string{"demo", "--format", "calls"}, exitMisuse, []string{"--data"}},
		{"wrong path", []string{"demo", "--format", "calls", "--data", filepath.Join(dir, "nope")}, exitFailed, []string{"nope", "no such file"}},
		{"empty folder", []string{"demo", "--format", "alibaba-2021", "--data", empty}, exitFailed, []string{empty, "MSCallGraph"}},
		{"another header", []string{"demo", "--format", "alibaba-2021", "--data", other}, exitFailed, []string{"MSCallGraph_0.csv", "traceid"}},
		{"truncated gzip", []string{"demo", "--format", "calls", "--data", cut, "--column-status", "-", "--column-cpu", "-", "--column-memory", "-", "--slice", "10s", "--http", "127.0.0.1:0"},
			exitFailed, []string{"calls.csv.gz", "truncated"}},
		{"wrong speed", []string{"replay", "--speed", "fast"}, exitMisuse, []string{"fast", "60x"}},
		{"wrong rebase", []string{"replay", "--rebase", "later"}, exitMisuse, []string{"later"}},
		{"replay, no broker", []string{"replay", "--config", good, "--state-file", ""}, exitFailed, []string{"127.0.0.1:1"}},
		{"run, no broker", []string{"run", "--config", good}, exitFailed, []string{"127.0.0.1:1"}},
		{"subscribe, no broker", []string{"subscribe", "--config", good}, exitFailed, []string{"127.0.0.1:1"}},
		{"run, a typo", []string{"run", "--config", typo}, exitFailed, []string{"typo.yaml", "line 3", "spams", "spans"}},
		{"run, wrong role", []string{"run", "--role", "boss"}, exitMisuse, []string{"boss", "windower"}},
		{"check, a typo", []string{"config", "check", typo}, exitFailed, []string{"typo.yaml", "line 3"}},
		{"check, no file", []string{"config", "check"}, exitMisuse, []string{"FILE"}},
		{"export, nothing there", []string{"history", "export", "--state", empty, "--out", "x.csv"}, exitFailed, []string{empty}},
		{"export, no file", []string{"history", "export", "--state", empty}, exitMisuse, []string{"--out"}},
		{"export, wrong table", []string{"history", "export", "--table", "spans", "--out", "x.csv"}, exitMisuse, []string{"spans", "nodes"}},
		{"train, ragged matrix", []string{"train", "--format", "matrix", "--data", matrix}, exitFailed, []string{"m.csv", "2"}},
		{"train, no data", []string{"train", "--format", "matrix"}, exitMisuse, []string{"--data"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd, output, temp := program(t, tt.args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd, output); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			text := output.String()
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("output lacks %q:\n%s", want, text)
				}
			}
			if strings.Contains(text, "goroutine ") || strings.Contains(text, "panic") {
				t.Errorf("a stack trace:\n%s", text)
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Two processes on one state folder would damage its history.
func TestStateFolderIsTakenOnce(t *testing.T) {
	dir := t.TempDir()
	release, err := lockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockState(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second gets %v", err)
	}
	release()
	again, err := lockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestVariablesAreFlags(t *testing.T) {
	cmd, output, _ := program(t, "demo")
	cmd.Env = append(cmd.Env, "PRESAGE_FORMAT=zipkin")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exitCode(t, cmd, output); code != exitMisuse || !strings.Contains(output.String(), "zipkin") {
		t.Errorf("exit code %d, output %s", code, output)
	}
}

// testPipeline is a pipeline with instruments of its own.
func testPipeline(t *testing.T, cfg config.Config, role string, client *kafka.Client, log *slog.Logger) *pipeline {
	t.Helper()
	i, err := newInstruments()
	if err != nil {
		t.Fatal(err)
	}
	return &pipeline{instruments: i, cfg: cfg, role: role, client: client, log: log}
}
