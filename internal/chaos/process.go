package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"presage/internal/kraft"
)

// process is one process of the binary. It is for one goroutine.
type process struct {
	name   string
	binary string
	args   []string
	dir    string // for its output
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	err    error         // how, once done is closed
	exits  int           // times that it ended by itself
}

// drainTimeout is how long a process may take to end after SIGTERM.
const drainTimeout = 30 * time.Second

func (p *process) start() error {
	out, err := os.OpenFile(filepath.Join(p.dir, p.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("process %s: %w", p.name, err)
	}
	defer out.Close()
	cmd := exec.Command(p.binary, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = kraft.ChildAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		p.err = cmd.Wait()
	}()
	return nil
}

// revive starts a process that has ended by itself, as a supervisor would.
func (p *process) revive() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.done:
		p.exits++
		return p.start()
	default:
		return nil
	}
}

func (p *process) signal(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// kill ends it at once, wherever it is.
func (p *process) kill() error {
	if p.cmd == nil {
		return nil
	}
	err := p.signal(syscall.SIGKILL)
	<-p.done
	p.cmd = nil
	return err
}

// drain ends it in order.
func (p *process) drain() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(drainTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
		p.cmd = nil
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not end within %v of SIGTERM", p.name, drainTimeout), p.kill())
	}
}

// tail is the end of its log.
func (p *process) tail() string {
	text, err := os.ReadFile(filepath.Join(p.dir, p.name+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-3000):])
}
