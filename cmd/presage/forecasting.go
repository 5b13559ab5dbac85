package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/model/tensor/pool"
	"presage/sink"
	"presage/sink/ownership"
	"presage/windower/slice"
	"presage/windower/stage"
)

// errStateInUse says that another process works in the state folder.
var errStateInUse = errors.New("the folder is in use by another process")

// lockPoll is how often a folder that is in use is looked at again.
const lockPoll = 500 * time.Millisecond

// forecastAll forecasts the graphs that are this process's: all of them, or those that
// the processes of an installation leave to it.
func (p *pipeline) forecastAll(ctx context.Context) error {
	release, err := p.takeState(ctx)
	if err != nil || release == nil {
		return err
	}
	defer release()
	workers := newPool(p.cfg.Model.CPUs)
	defer workers.Close()
	if p.shared {
		return p.forecastOwned(ctx, workers)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, g := range p.cfg.Graphs {
		group.Go(func() error { return p.forecast(ctx, g, workers, nil) })
	}
	return group.Wait()
}

// takeState locks the state folder. Where other processes may share the work, it waits
// for one that has the folder to end; it gives neither a release nor an error where ctx ends first.
func (p *pipeline) takeState(ctx context.Context) (release func(), err error) {
	release, err = lockState(p.cfg.State)
	if !p.shared || !errors.Is(err, errStateInUse) {
		return release, err
	}
	p.log.Info("standing by: another process has the state folder; with a folder of its own this one could share the work", "state", p.cfg.State)
	p.standing.Store(true)
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for errors.Is(err, errStateInUse) {
		select {
		case <-ctx.Done():
			return nil, nil
		case <-tick.C:
			release, err = lockState(p.cfg.State)
		}
	}
	return release, err
}

// forecastOwned forecasts the graphs whose partitions of the slices topic are this
// process's.
func (p *pipeline) forecastOwned(ctx context.Context, workers *pool.Pool) error {
	graphs := map[string]config.Graph{}
	var names []string
	for _, g := range p.cfg.Graphs {
		graphs[g.Name] = g
		names = append(names, g.Name)
	}
	return ownership.Run(ctx, ownership.Options{
		Client: p.client, Topic: p.cfg.Topics.Slices, Graphs: names,
		Run: func(ctx context.Context, graph string, lease *ownership.Lease) error {
			return p.forecast(ctx, graphs[graph], workers, lease)
		},
		OnOwned: func(graphs []string) { p.standing.Store(len(graphs) == 0) },
		Metrics: p.owner, SessionTimeout: p.cfg.Kafka.SessionTimeout.Std(), Log: p.log,
	})
}

// forecast runs one graph's forecaster.
func (p *pipeline) forecast(ctx context.Context, g config.Graph, workers *pool.Pool, lease *ownership.Lease) (err error) {
	loop, err := loopConfig(g.Name, p.cfg.Model, workers)
	if err != nil {
		return err
	}
	history, err := slice.OpenHistory(p.cfg.State, g.Name)
	if err != nil {
		return fmt.Errorf("history of graph %s: %w", g.Name, err)
	}
	defer func() { err = errors.Join(err, history.Close()) }()
	defer p.sink.Forget(g.Name)
	log := sink.ClientLog{Client: p.client, Producer: kafka.NewProducer(p.client, kafka.ProducerConfig{Zstd: p.zstd, MaxMessageBytes: p.cfg.Topics.MaxMessageBytes})}
	deps := sink.Deps{
		Loop: loop, StateDir: p.cfg.State, Publisher: sink.NewPublisher(log, p.cfg.Topics.Forecasts, g.Name),
		History: history, Metrics: p.sink, Background: p.background, Now: time.Now, Log: p.log,
		OnTraining: p.onTraining,
		OnSlice: func(r sink.SliceReport) {
			p.forecasts.Store(true)
			if p.onSlice != nil {
				p.onSlice(r)
			}
		},
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
		}, from, p.ended, lease)
		return feed, nil
	}
	_, err = sink.RunForecaster(ctx, deps)
	if feed != nil {
		feed.close()
	}
	return err
}
