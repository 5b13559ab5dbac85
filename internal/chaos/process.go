package chaos

import (
	"os/exec"
	"path/filepath"
	"time"

	"presage/internal/child"
)

// process is one process of the binary. It is for one goroutine.
type process struct {
	child.Process
	exits int // times that it ended by itself
}

// drainTimeout is how long a process may take to end after SIGTERM.
const drainTimeout = 30 * time.Second

func newProcess(name, dir, binary string, args ...string) *process {
	return &process{Process: child.Process{
		Name: name, Log: filepath.Join(dir, name+".log"), StopTimeout: drainTimeout,
		Command: func() *exec.Cmd { return exec.Command(binary, args...) },
	}}
}

// revive starts a process that has ended by itself, as a supervisor would.
func (p *process) revive() error {
	if !p.Ended() {
		return nil
	}
	p.exits++
	return p.Start()
}
