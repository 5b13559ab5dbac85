package child

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a program that runs, or has run, or will: it can be started again whenever it has ended. It is for one goroutine.
type Process struct {
	Name    string // as errors call it
	Log     string // file that its output is appended to
	Command func() *exec.Cmd
	// StopTimeout is how long it may take to end after SIGTERM.
	StopTimeout time.Duration

	cmd  *exec.Cmd
	from int64         // where in the log its present output begins
	done chan struct{} // closed when it has ended
}

// tailBytes is as much of a log as an error shows.
const tailBytes = 4000

// Start starts it.
func (p *Process) Start() error {
	if p.cmd != nil && !p.Ended() {
		return fmt.Errorf("%s runs already", p.Name)
	}
	out, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer out.Close()
	if p.from, err = out.Seek(0, io.SeekEnd); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	cmd := p.Command()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	return nil
}

// Running says that it was started, and neither killed nor stopped since. It may have ended by itself.
func (p *Process) Running() bool { return p.cmd != nil }

// Ended says that it was started and has ended by itself.
func (p *Process) Ended() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Signal sends a signal, where it runs.
func (p *Process) Signal(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	return nil
}

// Kill ends it at once, wherever it is.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	err := p.Signal(syscall.SIGKILL)
	<-p.done
	p.cmd = nil
	return err
}

// Stop ends it in order, by SIGTERM. One that does not end in time is killed, which is an error.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(p.StopTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
		p.cmd = nil
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("%s did not end within %v of SIGTERM", p.Name, p.StopTimeout), p.Kill())
	}
}

// Output is what it has written since it was started last.
func (p *Process) Output() string {
	text, err := os.ReadFile(p.Log)
	if err != nil || int64(len(text)) < p.from {
		return ""
	}
	return string(text[p.from:])
}

// Tail is the end of its log, of whichever start.
func (p *Process) Tail() string {
	text, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-tailBytes):])
}
