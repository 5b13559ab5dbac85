package child

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func shell(t *testing.T, script string) *Process {
	t.Helper()
	p := &Process{
		Name: "shell", Log: filepath.Join(t.TempDir(), "log"), StopTimeout: 200 * time.Millisecond,
		Command: func() *exec.Cmd { return exec.Command("sh", "-c", script) },
	}
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

func start(t *testing.T, p *Process, says string) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(p.Output(), says); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never said %q", says)
		}
	}
}

func TestLives(t *testing.T) {
	p := shell(t, "echo here; exec sleep 1000")
	if p.Running() || p.Ended() || p.Kill() != nil || p.Stop() != nil {
		t.Error("it has a life before it was started")
	}
	start(t, p, "here")
	if !p.Running() || p.Ended() {
		t.Error("it does not run")
	}
	if err := p.Start(); err == nil {
		t.Error("it was started twice")
	}
	if err := p.Kill(); err != nil || p.Running() {
		t.Errorf("killed: %v", err)
	}
	start(t, p, "here")
	if err := p.Stop(); err != nil || p.Running() {
		t.Errorf("stopped: %v", err)
	}
	if n := strings.Count(p.Tail(), "here"); n != 2 {
		t.Errorf("the log holds %d starts", n)
	}
}

func TestEndsByItself(t *testing.T) {
	p := shell(t, "echo gone")
	start(t, p, "gone")
	for deadline := time.Now().Add(time.Minute); !p.Ended(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
	start(t, p, "gone") // as a supervisor would
}

func TestStopThatTakesTooLong(t *testing.T) {
	p := shell(t, "trap '' TERM; echo here; while :; do sleep 0.05; done")
	start(t, p, "here")
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "SIGTERM") || p.Running() {
		t.Errorf("error %v", err)
	}
}

func TestNoSuchProgram(t *testing.T) {
	p := shell(t, "")
	p.Command = func() *exec.Cmd { return exec.Command("/no/such/program") }
	if err := p.Start(); err == nil || p.Running() {
		t.Errorf("error %v", err)
	}
	p.Log = "/no/such/folder/log"
	if err := p.Start(); err == nil {
		t.Error("no error")
	}
}
