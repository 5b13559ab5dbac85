package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/model/tensor/pool"
	"presage/sink"
	"presage/windower/slice"
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
	*instruments
	cfg        config.Config
	role       string
	client     *kafka.Client
	log        *slog.Logger
	background bool // train beside the stream
	zstd       bool
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

// ensureTopics makes Presage's own topics, or sees that they are there.
func (p *pipeline) ensureTopics(ctx context.Context) error {
	specs := ownTopics(p.cfg.Topics)
	if p.cfg.Topics.Create {
		return p.client.EnsureTopics(ctx, specs)
	}
	for _, s := range specs {
		if _, err := p.client.Partitions(ctx, s.Name); err != nil {
			return fmt.Errorf("%w; topics.create is false, so it must be made with %d partitions", err, s.Partitions)
		}
	}
	return nil
}

// run starts the rooms in the order of the flow and waits for all of them. They
// end together: with ctx, with the first error, or, of a recording, when the forecaster has seen
// its last slice.
func (p *pipeline) run(ctx context.Context) error {
	if err := p.follow(p.client); err != nil {
		return err
	}
	if p.role != roleWindower {
		release, err := lockState(p.cfg.State)
		if err != nil {
			return err
		}
		defer release()
	}
	workers := newPool(p.cfg.Model.CPUs)
	defer workers.Close()
	ctx, done := context.WithCancel(ctx)
	defer done()
	group, ctx := errgroup.WithContext(ctx)
	forecasters, ctx2 := errgroup.WithContext(ctx)
	for _, g := range p.cfg.Graphs {
		o := p.stageOptions(g)
		if p.role != roleForecaster {
			group.Go(func() error { return stage.RunPartitions(ctx, o) })
			group.Go(func() error { return stage.RunAssembler(ctx, o) })
		}
		if p.role != roleWindower {
			forecasters.Go(func() error { return p.forecast(ctx2, g, workers) })
		}
	}
	if p.role != roleWindower {
		group.Go(func() error {
			err := forecasters.Wait()
			done()
			return err
		})
	}
	return group.Wait()
}

func (p *pipeline) stageOptions(g config.Graph) stage.Options {
	return stage.Options{
		Client: p.client, Graph: stageGraph(g),
		Topics:  stage.Topics{Partials: p.cfg.Topics.Partials, Slices: p.cfg.Topics.Slices, DeadLetter: p.cfg.Topics.DeadLetter},
		Metrics: p.windower, Log: p.log, Now: time.Now, Zstd: p.zstd, OnEnd: p.onEnd,
	}
}

// forecast runs one graph's forecaster.
func (p *pipeline) forecast(ctx context.Context, g config.Graph, workers *pool.Pool) (err error) {
	loop, err := loopConfig(g.Name, p.cfg.Model, workers)
	if err != nil {
		return err
	}
	history, err := slice.OpenHistory(p.cfg.State, g.Name)
	if err != nil {
		return fmt.Errorf("history of graph %s: %w", g.Name, err)
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	log := sink.ClientLog{Client: p.client, Producer: kafka.NewProducer(p.client, kafka.ProducerConfig{Zstd: p.zstd})}
	deps := sink.Deps{
		Loop: loop, StateDir: p.cfg.State, Publisher: sink.NewPublisher(log, p.cfg.Topics.Forecasts, g.Name),
		History: history, Metrics: p.sink, Background: p.background, Now: time.Now, Log: p.log,
		OnSlice: p.onSlice, OnTraining: p.onTraining,
	}
	if g.Clock == "wall" {
		deps.EventTime = time.Now
	}
	var feed *snapshots
	deps.Open = func(ctx context.Context, from int64) (sink.Snapshots, error) {
		feed = openSnapshots(ctx, stage.SlicesConfig{
			Client: p.client, Topic: p.cfg.Topics.Slices, Graph: g.Name,
			OnBad: func(offset int64, err error) {
				p.log.Warn("a slice's record can't be read", "topic", p.cfg.Topics.Slices, "offset", offset, "error", err)
			},
		}, from, p.ended)
		return feed, nil
	}
	_, err = sink.RunForecaster(ctx, deps)
	if feed != nil {
		feed.close()
	}
	return err
}
