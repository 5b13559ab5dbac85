package kraft

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"presage/internal/child"
)

// Options say what cluster to run.
type Options struct {
	Libs    string // folder of Kafka's jars
	Dir     string // for logs and data; emptied by nobody
	Brokers int    // 0 means 1
	// Properties are added to server.properties, or replace what is there.
	Properties map[string]string
	// Through, where set, is told the address of a broker's listener for clients and gives the one that clients shall use
	// instead: that of a proxy. A proxy may lead to the listener before the broker runs.
	Through func(broker int, addr string) (string, error)
	// TLS makes the clients' listener speak TLS with these PEM files.
	TLS *TLS
	// Users are SASL users by name, with their passwords, under PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 alike. With any
	// user the clients' listener wants SASL, and what a user may do is decided by ACLs.
	Users map[string]string
	// Superusers are those of Users that may do everything.
	Superusers []string
}

// TLS are PEM files: the brokers' certificate and key in one file (KeyStore), and the authority that clients'
// certificates must be of (TrustStore; empty: clients need none).
type TLS struct{ KeyStore, TrustStore string }

// Cluster is a running cluster. Its methods are for one goroutine.
type Cluster struct {
	opt     Options
	brokers []*broker
}

// startTimeout bounds the start of a cluster; a virtual machine on a busy machine takes its time.
const startTimeout = 3 * time.Minute

// Start formats the brokers' folders, starts all brokers and waits until they answer.
func Start(ctx context.Context, opt Options) (*Cluster, error) {
	opt.Brokers = max(opt.Brokers, 1)
	ports, err := freePorts(3 * opt.Brokers)
	if err != nil {
		return nil, err
	}
	c := &Cluster{opt: opt}
	for i := range opt.Brokers {
		b := &broker{
			id: i + 1, dir: filepath.Join(opt.Dir, fmt.Sprintf("broker-%d", i+1)), libs: opt.Libs,
			port: ports[3*i], peers: ports[3*i+1], controller: ports[3*i+2],
		}
		b.Process = child.Process{Name: fmt.Sprint("broker ", b.id), Log: filepath.Join(b.dir, outputFile), StopTimeout: stopTimeout, Command: b.command}
		b.advertised = b.addr()
		if opt.Through != nil {
			if b.advertised, err = opt.Through(i, b.addr()); err != nil {
				return nil, fmt.Errorf("the way to broker %d: %w", b.id, err)
			}
		}
		c.brokers = append(c.brokers, b)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	group, inner := errgroup.WithContext(ctx)
	for _, b := range c.brokers {
		group.Go(func() error { return c.prepare(inner, b) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for _, b := range c.brokers {
		if err := b.Start(); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	if err := c.await(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Addrs are the brokers' addresses for clients, running or not.
func (c *Cluster) Addrs() []string {
	out := make([]string, len(c.brokers))
	for i, b := range c.brokers {
		out[i] = b.advertised
	}
	return out
}

// Brokers is how many there are.
func (c *Cluster) Brokers() int { return len(c.brokers) }

// Log is the end of a broker's own log.
func (c *Cluster) Log(i int) string { return c.brokers[i].Tail() }

// Kill ends a broker at once, as SIGKILL does.
func (c *Cluster) Kill(i int) error { return c.brokers[i].Kill() }

// Stop ends a broker as an operator would: it hands its partitions over first.
func (c *Cluster) Stop(i int) error { return c.brokers[i].Stop() }

// Pause stops a broker in its tracks; its connections stay open. Resume lets it go on.
func (c *Cluster) Pause(i int) error { return c.brokers[i].Signal(pause) }

// Resume lets a paused broker go on.
func (c *Cluster) Resume(i int) error { return c.brokers[i].Signal(resume) }

// Restart starts a broker that was killed or stopped, with its folder, and waits until the whole cluster answers.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	if err := c.brokers[i].Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.await(ctx)
}

// Close kills all brokers and waits for them.
func (c *Cluster) Close() error {
	var all []error
	for _, b := range c.brokers {
		all = append(all, b.Kill())
	}
	return errors.Join(all...)
}

// await waits until every running broker answers and knows of all others. A listener that wants TLS or SASL is taken
// for ready when its log says so: the cluster's own credentials are the test's business.
func (c *Cluster) await(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		why := c.ready(ctx)
		if why == nil {
			return nil
		}
		for _, b := range c.brokers {
			if b.Ended() {
				return fmt.Errorf("broker %d ended: its log ends with\n%s", b.id, b.Tail())
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the brokers were not ready in time: %w; the first one's log ends with\n%s", why, c.brokers[0].Tail())
		case <-tick.C:
		}
	}
}

func (c *Cluster) ready(ctx context.Context) error {
	running := 0
	for _, b := range c.brokers {
		if b.Running() {
			running++
		}
	}
	for _, b := range c.brokers {
		if !b.Running() {
			continue
		}
		if c.secured() {
			if !strings.Contains(b.Output(), "Kafka Server started") {
				return fmt.Errorf("broker %d has not started", b.id)
			}
			continue
		}
		if err := knows(ctx, b.addr(), running); err != nil {
			return fmt.Errorf("broker %d: %w", b.id, err)
		}
	}
	return nil
}

func (c *Cluster) secured() bool { return c.opt.TLS != nil || len(c.opt.Users) > 0 }

// knows asks a broker whether it sees all n brokers.
func knows(ctx context.Context, addr string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	transport := &kafkago.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafkago.Client{Addr: kafkago.TCP(addr), Transport: transport}
	res, err := client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{}})
	if err != nil {
		return err
	}
	if len(res.Brokers) < n {
		return fmt.Errorf("it knows of %d of %d brokers", len(res.Brokers), n)
	}
	return nil
}

// freePorts finds ports that nobody listens on now.
func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		p, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// prepare writes a broker's files and formats its folder, unless it was formatted before.
func (c *Cluster) prepare(ctx context.Context, b *broker) error {
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return fmt.Errorf("broker %d: %w", b.id, err)
	}
	for name, text := range map[string]string{propertiesFile: c.properties(b), logFile: logging} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("broker %d: %w", b.id, err)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "data", "meta.properties")); err == nil {
		return nil
	}
	return b.format(ctx, c.scram())
}
