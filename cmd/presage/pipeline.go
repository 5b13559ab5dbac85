package main

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/model/tensor/pool"
	"presage/sink"
	"presage/windower/stage"
)

// The roles of a process.
const (
	roleAll        = "all"
	roleWindower   = "windower"
	roleForecaster = "forecaster"
	roleRekey      = "rekey" // of the command alone: what run does of it is part of the role all
)

// What a process of a role does.
func doesSlices(role string) bool    { return role == roleAll || role == roleWindower }
func doesForecasts(role string) bool { return role == roleAll || role == roleForecaster }
func doesRekeying(role string) bool  { return role == roleAll || role == roleRekey }

// pipeline is the rooms of one process, joined.
type pipeline struct {
	*instruments
	cfg        config.Config
	role       string
	client     *kafka.Client
	log        *slog.Logger
	background bool // train beside the stream
	zstd       bool
	shared     bool // with other processes of the same configuration
	// ended says of a recording that nothing comes after an offset of the slices topic.
	ended      func(next int64) bool
	onEnd      func(context.Context) error // of a recording, when all its slices are written
	onSlice    func(sink.SliceReport)
	onTraining func(sink.TrainingReport)
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
	if err := p.follow(p.client); err != nil {
		return err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range rekeyings(p.cfg) {
		if doesRekeying(p.role) {
			group.Go(func() error { return stage.RunRekey(ctx, p.stageOptions(r.graph), r.from, r.to) })
		}
	}
	for _, g := range p.cfg.Graphs {
		o := p.stageOptions(g)
		if doesSlices(p.role) {
			group.Go(func() error { return stage.RunPartitions(ctx, o) })
			group.Go(func() error { return stage.RunAssembler(ctx, o) })
		}
	}
	if doesForecasts(p.role) {
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
