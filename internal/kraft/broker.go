package kraft

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"presage/internal/child"
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

	child.Process
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

// command runs the broker.
func (b *broker) command() *exec.Cmd {
	return b.java(context.Background(), "kafka.Kafka", filepath.Join(b.dir, propertiesFile))
}

func (b *broker) format(ctx context.Context, scram []string) error {
	args := append([]string{"format", "-t", clusterID, "-c", filepath.Join(b.dir, propertiesFile)}, scram...)
	if out, err := b.java(ctx, "kafka.tools.StorageTool", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("format the folder of broker %d: %w\n%s", b.id, err, out)
	}
	return nil
}
