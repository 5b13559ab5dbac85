package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"presage/model"
	"presage/model/online"
	"presage/model/registry"
	"presage/windower/slice"
)

// Snapshots are a graph's snapshots in the order of their slices, each first
// revision once.
type Snapshots interface {
	// Next waits for the next snapshot; io.EOF is the end of a recording.
	Next(ctx context.Context) (*slice.Snapshot, error)
	// Commit says that all forecasts up to a snapshot are acknowledged.
	Commit(ctx context.Context, s *slice.Snapshot) error
}

// Deps are what RunForecaster works with.
type Deps struct {
	Loop     online.Config
	StateDir string // for the registry and the checkpoint
	// Open gives the snapshots from a slice index on (math.MinInt64: all that there
	// are). An earlier start is allowed; what is missing at the start is missing from the windows.
	Open      func(ctx context.Context, from int64) (Snapshots, error)
	Publisher *Publisher
	History   *slice.History // nil for none; it is not closed
	Metrics   *Metrics
	// Background trains beside the stream. Otherwise consumption waits for a
	// training, so that which model forecasts a slice follows from the log.
	Background      bool
	CheckpointEvery int // slices; 0 means 20
	KeepModels      int // versions a target beside the champion; 0 means 20
	// Now is the wall clock; EventTime the time that targets must lie ahead of to be
	// shown (nil: the end of the last snapshot).
	Now       func() time.Time
	EventTime func() time.Time
	Log       *slog.Logger
	// OnSlice, of slices that were not forecast before, OnTraining and OnProgress tell what happened, from RunForecaster's own goroutine
	// but for OnProgress in background training; nil is allowed.
	OnSlice    func(SliceReport)
	OnTraining func(TrainingReport)
	OnProgress func(target string, p model.FitProgress)
}

// SliceReport is what one snapshot brought.
type SliceReport struct {
	Snapshot *slice.Snapshot
	Outcome  online.Outcome
	Written  int // records; the others were in the topic already
	Totals   []online.Totals
}

// TrainingReport is how one training ended.
type TrainingReport struct {
	online.Decision
	Report  model.FitReport
	Judged  []online.Judged
	Seconds float64
	Err     error
}

// forecaster is the state of one RunForecaster.
type forecaster struct {
	Deps
	loop     *online.Loop
	registry *registry.Registry
	worker   *trainer
	since    int   // slices since the last checkpoint
	upTo     int64 // slices that start up to here are remembered, not observed; Unix nanoseconds
	newest   int64 // start of the newest slice in the forecast topic at the start: all before it are there whole
	// unsettled from when the loop has seen a slice until its forecasts are
	// acknowledged and its trainings are done or queued: no checkpoint then.
	unsettled bool
	// How many writes to the history failed: the first and every thousandth is logged.
	historyFailures int64
	stateFailures   int64
	unstored        []*online.Candidate // promoted models that are not in the registry yet
}

// RunForecaster forecasts every snapshot until the recording ends (nil error) or ctx
// does (nil too). It resumes from the state folder and the forecast topic, publishes, trains, stores models,
// commits, and waits for all that it started. What it says of slices that were forecast before it began is neither
// published nor reported again. The totals are the targets' sums.
func RunForecaster(ctx context.Context, d Deps) ([]online.Totals, error) {
	if d.CheckpointEvery <= 0 {
		d.CheckpointEvery = 20
	}
	if d.KeepModels <= 0 {
		d.KeepModels = 20
	}
	f := &forecaster{Deps: d}
	from, err := f.resume(ctx)
	if err != nil {
		return nil, stopped(ctx, err)
	}
	snapshots, err := d.Open(ctx, from)
	if err != nil {
		return f.loop.Totals(), stopped(ctx, err)
	}
	f.worker = startTrainer(ctx, d.Background)
	err = f.consume(ctx, snapshots)
	f.worker.stop()
	if (err == nil || ctx.Err() != nil) && !f.unsettled {
		// The state after the last whole slice; what is left undone is done again.
		f.saveOrTell()
	}
	return f.loop.Totals(), stopped(ctx, err)
}

// stopped makes the end by ctx no error.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (f *forecaster) consume(ctx context.Context, snapshots Snapshots) error {
	for {
		s, err := snapshots.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("forecaster: %w", err)
		}
		if err := f.one(ctx, s); err != nil {
			return fmt.Errorf("forecaster: slice %d of graph %s: %w", s.Index, s.Graph, err)
		}
		if err := snapshots.Commit(ctx, s); err != nil {
			return fmt.Errorf("forecaster: commit slice %d: %w", s.Index, err)
		}
	}
}

// one takes a snapshot through the whole stage.
func (f *forecaster) one(ctx context.Context, s *slice.Snapshot) error {
	if f.History != nil {
		if _, err := f.History.Append(s); err != nil {
			f.historyFailed("slice", s.Index, err)
		}
	}
	if s.Start() <= f.upTo {
		if s.Revision > 1 {
			return nil
		}
		return f.loop.Remember(s)
	}
	if err := f.collect(ctx); err != nil {
		return err
	}
	f.saveIfDue()
	begin := f.Now()
	f.unsettled = true
	out, err := f.loop.Observe(s)
	if err != nil {
		return err
	}
	f.Metrics.observeSeconds.WithLabelValues(s.Graph).Observe(f.Now().Sub(begin).Seconds())
	if out.Note != "" {
		f.Log.Info(out.Note, "graph", s.Graph, "slice", s.Index)
	}
	if s.Start() < f.newest {
		f.Metrics.skipped.WithLabelValues(s.Graph).Add(float64(len(out.Forecasts)))
	} else if err := f.tell(ctx, s, out); err != nil {
		return err
	}
	if err := f.train(ctx, out.Jobs); err != nil {
		return err
	}
	f.unsettled = false
	f.since++
	f.saveIfDue()
	return nil
}

// tell publishes what the topic does not hold yet, counts and reports it.
func (f *forecaster) tell(ctx context.Context, s *slice.Snapshot, out online.Outcome) error {
	written, err := f.publish(ctx, s, out)
	if err != nil {
		return err
	}
	f.Metrics.outcome(s.Graph, out, written)
	total := 0
	for _, n := range written {
		total += n
	}
	if f.OnSlice != nil && (total > 0 || s.Start() > f.newest) {
		f.OnSlice(SliceReport{Snapshot: s, Outcome: out, Written: total, Totals: f.loop.Totals()})
	}
	return nil
}

// publish writes records, history and gauges.
func (f *forecaster) publish(ctx context.Context, s *slice.Snapshot, out online.Outcome) (map[string]int, error) {
	if out.Ignored != "" {
		return nil, nil
	}
	begin := f.Now()
	written, err := f.Publisher.Publish(ctx, out.Forecasts, begin.UnixNano())
	if err != nil {
		return nil, err
	}
	f.Metrics.publishSeconds.WithLabelValues(s.Graph).Observe(f.Now().Sub(begin).Seconds())
	now := s.Start() + s.Width
	if f.EventTime != nil {
		now = f.EventTime().UnixNano()
	}
	f.Metrics.slice.WithLabelValues(s.Graph).Set(float64(s.Start()) / 1e9)
	f.Metrics.gauges.set(s.Graph, out.Forecasts, now)
	if f.History != nil {
		if err := f.History.AppendForecasts(rows(out.Forecasts)); err != nil {
			f.historyFailed("forecasts", s.Index, err)
		}
	}
	return written, nil
}

// historyFailed counts and tells: the history is a cache, the stream goes on.
func (f *forecaster) historyFailed(what string, index int64, err error) {
	f.Metrics.historyFailures.WithLabelValues(f.Loop.Graph).Inc()
	if f.historyFailures%1000 == 0 {
		f.Log.Warn("not written to the history", "what", what, "graph", f.Loop.Graph, "slice", index, "err", err, "failures", f.historyFailures+1)
	}
	f.historyFailures++
}

func rows(forecasts []model.Forecast) []slice.ForecastRow {
	var all []slice.ForecastRow
	for i := range forecasts {
		f := &forecasts[i]
		for _, h := range f.Horizons {
			all = append(all, slice.ForecastRow{
				SliceStartMs: f.SliceStart / 1e6, Service: f.Service, Target: f.Target, Model: f.Model, Step: h.Step,
				AtMs: h.At / 1e6, Yhat: h.Yhat, Lower: h.Lower, Upper: h.Upper, Observed: f.Observed,
			})
		}
	}
	return all
}
