package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/internal/web"
	"presage/model/tensor/pool"
	"presage/sink"
	"presage/sink/ownership"
	"presage/windower/stage"
)

// The roles of a process.
const (
	roleAll        = "all"
	roleWindower   = "windower"
	roleForecaster = "forecaster"
)

// pipeline is the rooms of one process, joined.
type pipeline struct {
	cfg        config.Config
	role       string
	client     *kafka.Client
	log        *slog.Logger
	registry   *prometheus.Registry
	windower   *stage.Metrics
	sink       *sink.Metrics
	owner      *ownership.Metrics
	server     *web.Server
	background bool // train beside the stream
	zstd       bool
	shared     bool        // with other processes of the same configuration
	standing   atomic.Bool // this process forecasts nothing, and waits to
	forecasts  atomic.Bool // this process has forecast a slice
	// ended says of a recording that nothing comes after an offset of the slices topic.
	ended      func(next int64) bool
	onEnd      func(context.Context) error // of a recording, when all its slices are written
	onSlice    func(sink.SliceReport)
	onTraining func(sink.TrainingReport)
}

func newPipeline(cfg config.Config, role string, client *kafka.Client, log *slog.Logger) (*pipeline, error) {
	p := &pipeline{cfg: cfg, role: role, client: client, log: log, registry: prometheus.NewRegistry()}
	for _, c := range []prometheus.Collector{client, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := p.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	var err error
	if p.windower, err = stage.NewMetrics(p.registry); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if p.sink, err = sink.NewMetrics(p.registry, 0); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if p.owner, err = ownership.NewMetrics(p.registry); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return p, nil
}

// ready reports whether the process does its work, which may be to stand by.
func (p *pipeline) ready() bool {
	return p.role == roleWindower || p.forecasts.Load() || p.standing.Load()
}

// newPool makes the workers of all networks of this process; 0 CPUs are all that Go may use.
func newPool(cpus int) *pool.Pool {
	most := runtime.GOMAXPROCS(0)
	if cpus > 0 {
		most = min(cpus, most)
	}
	return pool.New(most)
}

// run starts the rooms in the order of the flow and waits for all of them. They
// end together: with ctx, with the first error, or, of a recording, when the forecaster has seen
// its last slice.
func (p *pipeline) run(ctx context.Context) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	group, ctx := errgroup.WithContext(ctx)
	if p.server != nil {
		group.Go(func() error { return p.server.Run(ctx) })
	}
	for _, g := range p.cfg.Graphs {
		o := p.stageOptions(g)
		if p.role != roleForecaster {
			group.Go(func() error { return stage.RunPartitions(ctx, o) })
			group.Go(func() error { return stage.RunAssembler(ctx, o) })
		}
	}
	if p.role != roleWindower {
		group.Go(func() error {
			defer done()
			return p.forecastAll(ctx)
		})
	}
	return group.Wait()
}

func (p *pipeline) stageOptions(g config.Graph) stage.Options {
	return stage.Options{
		Client: p.client, Graph: stageGraph(g),
		Topics:  stage.Topics{Partials: p.cfg.Topics.Partials, Slices: p.cfg.Topics.Slices, DeadLetter: p.cfg.Topics.DeadLetter},
		Metrics: p.windower, Log: p.log, Now: time.Now, Zstd: p.zstd, OnEnd: p.onEnd,
		SessionTimeout: p.cfg.Kafka.SessionTimeout.Std(),
		OnLostOffset:   lostOffset(g.OnLostOffset), MaxMessageBytes: p.cfg.Topics.MaxMessageBytes,
	}
}
