package kraft

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// clusterID is any UUID in Kafka's own writing; all brokers of a cluster share it.
const clusterID = "cHJlc2FnZS10ZXN0cy0xMA"

// The signals that stop a process in its tracks and let it go on.
const (
	pause  = syscall.SIGSTOP
	resume = syscall.SIGCONT
)

// stopTimeout is how long a broker may take to hand its partitions over.
const stopTimeout = 30 * time.Second

// broker is one broker's folder, ports, and process while it runs.
type broker struct {
	id                      int
	dir, libs               string
	port, peers, controller int // for clients, other brokers, controllers
	advertised              string

	cmd  *exec.Cmd
	from int64         // where its present output begins
	done chan struct{} // closed when the process has ended
}

func (b *broker) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// java is a command of Kafka's. The brokers of a test are small: what they hold fits, and they start soon.
func (b *broker) java(ctx context.Context, class string, args ...string) *exec.Cmd {
	options := []string{
		"-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
		"-Dlog4j2.configurationFile=" + filepath.Join(b.dir, logFile), "-cp", filepath.Join(b.libs, "*"), class,
	}
	cmd := exec.CommandContext(ctx, "java", append(options, args...)...)
	cmd.Dir = b.dir
	return cmd
}

func (b *broker) format(ctx context.Context, scram []string) error {
	args := append([]string{"format", "-t", clusterID, "-c", filepath.Join(b.dir, propertiesFile)}, scram...)
	if out, err := b.java(ctx, "kafka.tools.StorageTool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the folder of broker %d: %w\n%s", b.id, err, out)
	}
	return nil
}

// start starts the process, with its output behind what earlier ones wrote.
func (b *broker) start() error {
	if b.running() {
		return fmt.Errorf("broker %d runs already", b.id)
	}
	out, err := os.OpenFile(filepath.Join(b.dir, outputFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("broker %d: %w", b.id, err)
	}
	defer out.Close()
	if b.from, err = out.Seek(0, 2); err != nil {
		return fmt.Errorf("broker %d: %w", b.id, err)
	}
	cmd := b.java(context.Background(), "kafka.Kafka", filepath.Join(b.dir, propertiesFile))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ChildAttributes()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start broker %d: %w", b.id, err)
	}
	done := make(chan struct{})
	b.cmd, b.done = cmd, done
	go func() {
		defer close(done)
		_ = cmd.Wait()
	}()
	return nil
}

func (b *broker) running() bool { return b.cmd != nil }

// died says that the process ended by itself.
func (b *broker) died() bool {
	if b.cmd == nil {
		return false
	}
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

func (b *broker) signal(s syscall.Signal) error {
	if b.cmd == nil {
		return fmt.Errorf("broker %d does not run", b.id)
	}
	if err := b.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signal broker %d: %w", b.id, err)
	}
	return nil
}

func (b *broker) kill() error {
	if b.cmd == nil {
		return nil
	}
	err := b.signal(syscall.SIGKILL)
	<-b.done
	b.cmd = nil
	return err
}

func (b *broker) stop() error {
	if err := b.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-b.done:
		b.cmd = nil
		return nil
	case <-timer.C:
		return errors.Join(fmt.Errorf("broker %d did not stop within %v", b.id, stopTimeout), b.kill())
	}
}

// started is what the present process has written.
func (b *broker) started() string {
	out, err := os.ReadFile(filepath.Join(b.dir, outputFile))
	if err != nil || int64(len(out)) < b.from {
		return ""
	}
	return string(out[b.from:])
}

// tail is the end of it.
func (b *broker) tail() string {
	out := b.started()
	return out[max(0, len(out)-4000):]
}
