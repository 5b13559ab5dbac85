package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"presage/internal/kafka"
)

// process is one `run`: a pipeline, HTTP in front of it, and what a reload needs to
// put another pipeline in its place.
type process struct {
	role    string
	load    func() (settings, error)
	asked   <-chan os.Signal // for a reload; nil: never
	level   *slog.LevelVar
	log     *slog.Logger
	metrics *instruments
	front   *front
	reloads *reloads
}

// probation is how long a pipeline by a reloaded configuration must live: one that fails before
// makes way for the one before.
const probation = time.Minute

// life is a pipeline and what it goes by.
type life struct {
	settings
	pipeline *pipeline
	started  time.Time
	cancel   context.CancelFunc
	done     chan error
	before   *settings // nil, or what to go back to
}

// run runs pipelines, one after the other, until ctx ends (nil) or one fails.
func (p *process) run(ctx context.Context, s settings) error {
	defer p.front.close()
	p.level.Set(level(s.Log))
	now, err := p.prepare(ctx, s, nil)
	if err != nil {
		return err
	}
	if err := p.front.apply(ctx, s.HTTP, s.token); err != nil {
		now.pipeline.client.Close()
		return err
	}
	p.reloads.succeeded(time.Now())
	now.start(ctx)
	for {
		select {
		case err := <-now.done:
			now.pipeline.client.Close()
			if ctx.Err() != nil || err == nil {
				return err
			}
			back, errBack := p.revert(ctx, now, err)
			if back == nil {
				return errors.Join(err, errBack)
			}
			now = back
		case <-p.asked:
			next := p.reload(ctx, now)
			if next == nil {
				continue
			}
			p.replace(ctx, now, next)
			now = next
		case err := <-p.front.failed:
			return errors.Join(err, now.drain())
		}
	}
}

// prepare does all of a start that can fail for what is configured, while another
// pipeline may still run.
func (p *process) prepare(ctx context.Context, s settings, running *life) (*life, error) {
	var counting *kafka.Client
	if running != nil {
		counting = running.pipeline.client
	}
	if running != nil && running.State != s.State && doesForecasts(p.role) {
		release, err := lockState(s.State)
		if err != nil {
			return nil, err
		}
		release() // the pipeline takes it when it starts
	}
	client, err := dialCounting(ctx, s.Kafka, p.log, counting)
	if err != nil {
		return nil, err
	}
	l := &life{settings: s, done: make(chan error, 1), pipeline: &pipeline{
		instruments: p.metrics, cfg: s.Config, role: p.role, client: client, log: p.log, background: true, zstd: true, shared: true,
	}}
	if err := l.pipeline.ensureTopics(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return l, nil
}

func (l *life) start(ctx context.Context) {
	ctx, l.cancel = context.WithCancel(ctx)
	l.started = time.Now()
	l.pipeline.log.Info("running", "role", l.pipeline.role, "graphs", len(l.Graphs), "state", l.State)
	go func() { l.done <- l.pipeline.run(ctx) }()
}

// drain ends the pipeline in good order: what was read is written and committed.
func (l *life) drain() error {
	l.cancel()
	err := <-l.done
	l.pipeline.client.Close()
	return err
}

// reload reads the configuration again and applies what can be applied at once. It
// gives what is to take the running pipeline's place; nil where that goes on.
func (p *process) reload(ctx context.Context, now *life) *life {
	s, next, err := p.renew(ctx, now)
	if ctx.Err() != nil {
		if next != nil {
			next.pipeline.client.Close()
		}
		return nil
	}
	if err != nil {
		p.reloads.count(reloadRejected)
		p.log.Error("the new configuration is rejected, the running one stays", "reason", err)
		return nil
	}
	p.level.Set(level(s.Log))
	p.reloads.count(reloadApplied)
	p.reloads.succeeded(time.Now())
	p.log.Info("configuration reloaded", "pipeline_restarts", next != nil)
	if next == nil {
		now.settings = s
	}
	return next
}

// renew is the part of a reload that can fail; then all is as before.
func (p *process) renew(ctx context.Context, now *life) (s settings, next *life, err error) {
	if s, err = p.load(); err != nil {
		return s, nil, err
	}
	if err = checkSlices(now.Graphs, s.Graphs); err != nil {
		return s, nil, err
	}
	if !s.samePipeline(now.settings) {
		if next, err = p.prepare(ctx, s, now); err != nil {
			return s, nil, err
		}
		next.before = &now.settings
	}
	if err = p.front.apply(ctx, s.HTTP, s.token); err != nil && next != nil {
		next.pipeline.client.Close()
		next = nil
	}
	return s, next, err
}

// replace drains a pipeline and starts the next.
func (p *process) replace(ctx context.Context, now, next *life) {
	if err := now.drain(); err != nil {
		// Whatever is undone is done again: that is what a restart is made for.
		p.log.Warn("the pipeline did not drain in good order", "error", err)
	}
	kept := map[string]bool{}
	for _, g := range next.Graphs {
		kept[g.Name] = next.Model == now.Model
	}
	for _, g := range now.Graphs {
		if !kept[g.Name] {
			p.metrics.forget(g.Name)
		}
	}
	next.start(ctx)
}

// revert starts the pipeline of the configuration before, where a reloaded one has just failed.
func (p *process) revert(ctx context.Context, failed *life, reason error) (*life, error) {
	if failed.before == nil || time.Since(failed.started) > probation {
		return nil, nil
	}
	p.reloads.count(reloadReverted)
	p.log.Error("the pipeline fails with the new configuration: going back to the one before", "reason", reason)
	s := *failed.before
	s.HTTP, s.Log, s.token = failed.HTTP, failed.Log, failed.token // these are in use
	back, err := p.prepare(ctx, s, failed)
	if err != nil {
		return nil, fmt.Errorf("go back to the configuration before: %w", err)
	}
	for _, g := range failed.Graphs {
		p.metrics.forget(g.Name)
	}
	back.start(ctx)
	return back, nil
}

// How a reload can end.
const (
	reloadApplied  = "applied"
	reloadRejected = "rejected"
	reloadReverted = "reverted"
)

// reloads are the metrics of reloading.
type reloads struct {
	total *prometheus.CounterVec
	last  prometheus.Gauge
}

func newReloads(r prometheus.Registerer) (*reloads, error) {
	m := &reloads{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "presage_config_reloads_total",
			Help: "Configurations read again, by result: applied, rejected, or reverted after they were applied."}, []string{"result"}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{Name: "presage_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in use was read, Unix seconds."}),
	}
	for _, result := range []string{reloadApplied, reloadRejected, reloadReverted} {
		m.total.WithLabelValues(result) // zero is seen, not missing
	}
	for _, c := range []prometheus.Collector{m.total, m.last} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	return m, nil
}

func (m *reloads) count(result string) { m.total.WithLabelValues(result).Inc() }

func (m *reloads) succeeded(at time.Time) { m.last.Set(float64(at.UnixMilli()) / 1e3) }
