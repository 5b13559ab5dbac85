package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/kraft"
)

// Options say what a run is of.
type Options struct {
	Binary    string // presage
	Libs      string // folder of Kafka's jars
	Dir       string // for everything that the run writes; it is left as it is
	Seed      uint64
	Kills     int    // of processes
	Brokers   int    // 1 or 3; 0 means 1
	Windowers int    // 0 means 1
	Standby   bool   // a second forecaster with a folder of its own
	Network   string // that the forecasters train; empty: none
	Idle      bool   // partitions that nothing comes to go on with the wall clock
	Dedupe    bool   // spans that come twice count once
	Rekey     bool   // spans are not keyed by trace id; two processes re-key them
	Except    []Kind // faults that are left out
	Now       func() time.Time
	Log       *slog.Logger
}

// The run's graph and topics.
const (
	graph           = "shop"
	partialsTopic   = "presage.partials"
	slicesTopic     = "presage.slices"
	forecastsTopic  = "presage.forecasts"
	referenceTopic  = "reference.forecasts" // of the forecaster that nothing happens to
	deadLetterTopic = "presage.deadletter"

	session  = 2 * time.Second // the processes' session time-out
	rekeyers = 2               // processes that re-key
	input    = 4               // slices that a forecast is made from
)

// world is the cluster and the processes of a run. It is for one goroutine.
type world struct {
	Options
	proxies    *proxies
	cluster    *kraft.Cluster
	client     *kafka.Client
	traffic    *traffic
	processes  []*process // windowers, those that re-key, then forecasters
	forecaster *process
	state      string // the forecaster's folder
	unmount    func() error
	varied     bool // forecasts may differ from an undisturbed forecaster's: state files were lost, a standby began anew, a network was trained
	// recounted is how many slices and shares are those of a reading that does not know advances whose commit was destroyed.
	recounted int
	joined    int
	verdict   Verdict
}

// Run does one round: traffic, faults until enough processes were killed, and the judgement. An error means that the
// round could not be held, or that something never came to its end.
func Run(ctx context.Context, opt Options) (v Verdict, err error) {
	opt.Brokers, opt.Windowers = max(opt.Brokers, 1), max(opt.Windowers, 1)
	w := &world{Options: opt, proxies: newProxies()}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.build(ctx); err != nil {
		return w.verdict, err
	}
	stop := make(chan struct{})
	written := make(chan error, 1)
	go func() { written <- w.traffic.run(ctx, stop) }()
	err = w.harm(ctx)
	close(stop)
	if err = errors.Join(err, <-written); err != nil {
		return w.verdict, w.withLogs(err)
	}
	if err := w.judge(ctx); err != nil {
		return w.verdict, w.withLogs(err)
	}
	return w.verdict, nil
}

func (w *world) build(ctx context.Context) (err error) {
	if w.cluster, err = kraft.Start(ctx, kraft.Options{Libs: w.Libs, Dir: w.Dir, Brokers: w.Brokers, Through: w.proxies.through}); err != nil {
		return err
	}
	if w.client, err = kafka.Dial(ctx, kafka.Config{Brokers: w.cluster.Addrs(), ClientID: "chaos", MetadataTTL: time.Second}); err != nil {
		return err
	}
	forever := map[string]string{"retention.ms": "-1"}
	err = w.client.EnsureTopics(ctx, []kafka.TopicSpec{
		{Name: spanTopic, Partitions: spanPartition, Configs: forever}, {Name: metricTopic, Partitions: 1, Configs: forever},
	})
	if err != nil {
		return err
	}
	// Event time runs ahead of the clock, and brokers refuse what is stamped an hour ahead of it.
	w.traffic = newTraffic(w.Seed, w.client, w.Now().Add(-12*time.Hour), w.speed(), w.Rekey)
	w.state = filepath.Join(w.Dir, "state")
	if err := os.MkdirAll(w.state, 0o755); err != nil {
		return err
	}
	w.unmount, _ = mountSmall(w.state)
	for i := range w.Windowers {
		if err := w.add(fmt.Sprint("windower-", i), "windower", w.state); err != nil {
			return err
		}
	}
	for i := 0; w.Rekey && i < rekeyers; i++ {
		if err := w.add(fmt.Sprint("rekeyer-", i), rekeyRole, w.state); err != nil {
			return err
		}
	}
	if err := w.add("forecaster", "forecaster", w.state); err != nil {
		return err
	}
	w.forecaster = w.processes[len(w.processes)-1]
	w.varied = w.Standby || w.Network != ""
	if w.Standby {
		return w.add("standby", "forecaster", filepath.Join(w.Dir, "standby-state"))
	}
	return nil
}

// add starts a process with a role.
func (w *world) add(name, role, state string) error {
	p, err := w.process(name, role, forecastsTopic, state)
	if err != nil {
		return err
	}
	w.processes = append(w.processes, p)
	return p.Start()
}

func (w *world) process(name, role, forecasts, state string) (*process, error) {
	path := filepath.Join(w.Dir, name+".yaml")
	text := fmt.Sprintf(`
kafka: {brokers: [%s], session_timeout: %s, dial_timeout: 20s}
topics: {replication: %d, partials: %s, slices: %s, forecasts: %s, deadletter: %s}
graphs:
  - {name: %s, spans: [%s], metrics: [%s], slice: %s, lateness: %s, metrics_lateness: %[12]s, max_wait: 0s, metrics_wait: 0s, idle_timeout: %s, clock: event, rekey: %v, dedupe_spans: %v}
model: {network: %s, input: %d, horizons: 2, epochs: 2, cpus: 1}
state: %q
http: ""
log: debug
`, strings.Join(w.cluster.Addrs(), ", "), session, min(w.Brokers, 3), partialsTopic, slicesTopic, forecasts, deadLetterTopic,
		graph, spanTopic, metricTopic, w.width(), w.lateness(), w.idleTimeout(), w.Rekey, w.Dedupe, cmp.Or(w.Network, "none"), input, state)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if role == rekeyRole {
		return newProcess(name, w.Dir, w.Binary, "rekey", "--config", path), nil
	}
	return newProcess(name, w.Dir, w.Binary, "run", "--role", role, "--config", path), nil
}

// rekeyRole is that of a process of presage rekey.
const rekeyRole = "rekey"

// spans is the topic that windowers read.
func (w *world) spans() string {
	if w.Rekey {
		return spanTopic + config.RekeyedSuffix
	}
	return spanTopic
}

// width of a slice, and lateness of the graph, of event time; and how many seconds of that are written in one. Where idle
// partitions go on with the wall clock, slices are narrow and soon closed, so that a stall closes some whose spans come later.
func (w *world) width() time.Duration {
	if w.Idle {
		return 2 * time.Second
	}
	return 10 * time.Second
}

func (w *world) lateness() time.Duration {
	if w.Idle {
		return time.Second
	}
	return 5 * time.Second
}

func (w *world) speed() time.Duration {
	if w.Idle {
		return 5
	}
	return 20
}

// idleTimeout of the graph. It is shorter than most stalls.
func (w *world) idleTimeout() time.Duration {
	if w.Idle {
		return time.Second
	}
	return 0
}

// rest waits, and starts what ends by itself meanwhile.
func (w *world) rest(ctx context.Context, d time.Duration) error {
	const step = 200 * time.Millisecond
	for ; d > 0; d -= step {
		if err := sleep(ctx, min(d, step)); err != nil {
			return err
		}
		for _, p := range w.processes {
			if err := p.revive(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sleep waits; it ends with ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// withLogs adds the ends of all logs to an error.
func (w *world) withLogs(err error) error {
	for _, p := range w.processes {
		err = fmt.Errorf("%w\n== %s, which ended by itself %d times, ends with\n%s", err, p.Name, p.exits, p.Tail())
	}
	return err
}

// close ends everything.
func (w *world) close() error {
	var all []error
	for _, p := range w.processes {
		all = append(all, p.Kill())
	}
	if w.client != nil {
		w.client.Close()
	}
	if w.cluster != nil {
		all = append(all, w.cluster.Close())
	}
	w.proxies.close()
	if w.unmount != nil {
		all = append(all, w.unmount())
	}
	return errors.Join(all...)
}
