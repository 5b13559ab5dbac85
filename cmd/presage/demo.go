package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"presage/internal/broker"
	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/screen"
	"presage/internal/summary"
	"presage/internal/web"
	"presage/replay"
	"presage/sink"
)

// demoFlags say what the demo shows.
type demoFlags struct {
	source   sourceFlags
	length   time.Duration
	summary  string
	state    string
	slice    time.Duration
	limit    int64
	from, to string
	http     string
	log      string
	rows     int
}

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run everything in one process: broker, trace, pipeline, forecasts",
		Long: "demo runs the whole thing with nothing installed: an embedded broker, a trace that is replayed\n" +
			"onto its topics, the pipeline, a training, and forecasts on the terminal. The generated trace\n" +
			"begins an hour ago, is read at full speed up to now and then goes on live. A recording\n" +
			"(--format, --data) is read at full speed, and the demo ends with it.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	f.source.add(flags)
	flags.DurationVar(&f.length, "for", 0, "end after this long; 0: when told to, or with the recording")
	flags.StringVar(&f.summary, "summary", "", "file for a summary as JSON")
	flags.StringVar(&f.state, "state", "", "folder for history and models (default: a temporary one, removed at the end)")
	flags.DurationVar(&f.slice, "slice", 0, "slice width (default: 10s; for recordings of six hours and more 60s)")
	flags.Int64Var(&f.limit, "limit", 0, "end after this many spans; 0: no limit")
	flags.StringVar(&f.from, "from", "", "start here: a duration since the recording's start, or an RFC 3339 time")
	flags.StringVar(&f.to, "to", "", "end here, likewise")
	flags.StringVar(&f.http, "http", "", "address of /metrics (default: 127.0.0.1:8088, or a free port where that is taken)")
	flags.StringVar(&f.log, "log", "warn", "log level: debug, info, warn, error")
	flags.IntVar(&f.rows, "rows", 12, "rows of a table; 0: all")
	return cmd
}

// demo is one run of the demo.
type demo struct {
	*demoFlags
	view      *screen.Screen
	broker    *broker.Broker
	client    *kafka.Client
	pipeline  *pipeline
	collector *summary.Collector
	open      replay.Opener
	recording bool
	network   string // none: baselines alone; "": the configured one
	begun     time.Time
	trace     atomic.Int64 // event time that the replay has reached
	end       atomic.Int64 // of the slices topic, once the recording is whole; -1 before
}

const spansTopic, metricsTopic = "otlp_spans", "otlp_metrics"

func (f *demoFlags) run(ctx context.Context, out io.Writer) (err error) {
	if f.length < 0 || f.slice < 0 {
		return misusef("--for and --slice: expected no negative duration")
	}
	d := &demo{demoFlags: f, view: newScreen(out), begun: time.Now(), recording: f.source.format != "generated"}
	d.end.Store(-1)
	if !d.recording {
		// The trace ends up at the present and goes on with it.
		f.source.epoch = d.begun.Add(-time.Duration(f.source.hours * float64(time.Hour))).UTC().Truncate(time.Minute).Format(time.RFC3339)
		f.source.hours = 0
	}
	if d.open, err = f.source.opener(); err != nil {
		return err
	}
	if f.length > 0 {
		// No deadline: requests under way would fail at it, just before they are told to end.
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer time.AfterFunc(f.length, cancel).Stop()
	}
	if f.state == "" {
		if f.state, err = os.MkdirTemp("", "presage-demo-"); err != nil {
			return fmt.Errorf("state folder: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(f.state)) }()
	}
	d.collector = summary.New(time.Now)
	err = d.all(ctx)
	if ctx.Err() != nil {
		err = nil // told to end, or --for is over
	}
	return errors.Join(err, d.finish())
}

// all starts the broker, the pipeline and the replay, and waits for them.
func (d *demo) all(ctx context.Context) error {
	cfg, err := d.config(ctx)
	if err != nil {
		return err
	}
	if err := d.startBroker(cfg); err != nil {
		return err
	}
	defer d.broker.Close()
	log := newLogger(d.view, d.log)
	cfg.Kafka.Brokers = []string{d.broker.Addr()}
	if d.client, err = dial(ctx, cfg.Kafka, log); err != nil {
		return err
	}
	defer d.client.Close()
	metrics, err := newInstruments()
	if err != nil {
		return err
	}
	d.pipeline = &pipeline{
		instruments: metrics, cfg: cfg, role: roleAll, client: d.client, log: log, onEnd: d.onEnd, onSlice: d.onSlice, onTraining: d.onTraining,
		ended: func(next int64) bool { end := d.end.Load(); return end >= 0 && next >= end },
	}
	server, err := d.listen()
	if err != nil {
		return err
	}
	d.view.Printf("presage demo: %s\nbroker on %s, metrics on http://%s/metrics, state in %s; Ctrl-C ends it",
		d.what(cfg), d.broker.Addr(), server.Addr(), d.state)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(ctx) })
	group.Go(func() error {
		defer stop() // the pipeline ends with the recording
		return d.pipeline.run(ctx)
	})
	group.Go(func() error { return d.replay(ctx) })
	group.Go(func() error { d.watch(ctx); return nil })
	return group.Wait()
}

func (d *demo) config(ctx context.Context) (config.Config, error) {
	c := config.Default()
	g := config.DefaultGraph()
	g.Name, g.Spans, g.Metrics = "demo", []string{spansTopic}, []string{metricsTopic}
	g.IdleTimeout, g.MaxWait, g.MetricsWait, g.Clock = 0, 0, 0, "event"
	c.Model.Horizons = 6
	width, err := d.width(ctx)
	if err != nil {
		return c, err
	}
	g.Slice = config.Duration(width)
	if !d.recording {
		g.Lateness, g.MetricsLateness = config.Duration(5*time.Second), config.Duration(5*time.Second)
		c.Model.RetrainEvery = 360
	} else {
		g.MetricsLateness = g.Lateness
	}
	g.TombstoneTTL = g.Lateness
	c.Graphs = []config.Graph{g}
	c.State = d.state
	if d.network != "" {
		c.Model.Network = d.network
	}
	return c, nil
}

// width is the slice width: as told, or by the recording's length.
func (d *demo) width(ctx context.Context) (time.Duration, error) {
	const short, long, limit = 10 * time.Second, time.Minute, 6 * time.Hour
	if d.slice > 0 || !d.recording {
		if d.slice > 0 {
			return d.slice, nil
		}
		return short, nil
	}
	total, err := length(ctx, d.open)
	if err != nil {
		return 0, err
	}
	if total < limit {
		return short, nil
	}
	return long, nil
}

// The embedded broker's caps, a partition. The replay is held back so that spans
// are read long before they are trimmed.
const (
	telemetryRetention = 64 << 20
	ownRetention       = 256 << 20
	telemetryAhead     = 24 << 20 // bytes that the replay may be ahead of the windower
)

func (d *demo) startBroker(cfg config.Config) error {
	topics := []broker.Topic{
		{Name: spansTopic, Partitions: 4, RetentionBytes: telemetryRetention},
		{Name: metricsTopic, Partitions: 2, RetentionBytes: telemetryRetention},
	}
	for _, t := range ownTopics(cfg) {
		topics = append(topics, broker.Topic{Name: t.Name, Partitions: t.Partitions, RetentionBytes: ownRetention})
	}
	var err error
	d.broker, err = broker.Start(broker.Options{Topics: topics})
	return err
}

func (d *demo) listen() (*web.Server, error) {
	c := web.Config{Address: d.http, Gatherer: d.pipeline.registry, Ready: func() bool { return !d.collector.Last().IsZero() }, Log: d.pipeline.log}
	if d.http != "" {
		return web.Listen(c)
	}
	c.Address = "127.0.0.1:8088"
	s, err := web.Listen(c)
	if err != nil {
		c.Address = "127.0.0.1:0"
		return web.Listen(c)
	}
	return s, nil
}

func (d *demo) replay(ctx context.Context) error {
	options := replay.Options{
		SpansTopic: spansTopic, MetricsTopic: metricsTopic, Limit: d.limit,
		Logger:   newLogger(d.view, d.log),
		Progress: func(p replay.Progress) { d.trace.Store(p.EventTime.UnixNano()) },
	}
	var err error
	if options.From, err = replay.ParseMoment(d.from); err != nil {
		return misusef("--from: %w", err)
	}
	if options.To, err = replay.ParseMoment(d.to); err != nil {
		return misusef("--to: %w", err)
	}
	hold := &ahead{limit: telemetryAhead, read: func() int64 { return d.pipeline.windower.Totals().Records }}
	producer := &feed{client: d.client, producer: kafka.NewProducer(d.client, kafka.ProducerConfig{}), pace: hold.pace}
	report, err := replay.Run(ctx, options, d.open, producer)
	if ctx.Err() != nil {
		return nil
	}
	if err == nil {
		d.view.Printf("%s", reportText(report))
	}
	return err
}

// onEnd notes where the slices end, once the recording is whole.
func (d *demo) onEnd(ctx context.Context) error {
	ends, err := d.client.Ends(ctx, d.pipeline.cfg.Topics.Slices)
	if err != nil {
		return err
	}
	d.end.Store(ends[0].End)
	return nil
}

func (d *demo) onSlice(r sink.SliceReport) {
	first := d.collector.Slice(r)
	if !first {
		return
	}
	d.showForecasts("first forecasts by the network", r)
}
