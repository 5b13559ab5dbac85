package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"presage/internal/config"
	"presage/internal/screen"
	"presage/internal/summary"
	"presage/model"
	"presage/sink"
)

// what says in a line what the demo reads.
func (d *demo) what(cfg config.Config) string {
	g := cfg.Graphs[0]
	if d.recording {
		return fmt.Sprintf("%s from %s in slices of %s", d.source.format, d.source.data, g.Slice.Std())
	}
	return fmt.Sprintf("%d services and about %g spans/s, from %s on, in slices of %s",
		d.source.services, d.source.rate, d.source.epoch, g.Slice.Std())
}

// watch renews the progress line until ctx ends.
func (d *demo) watch(ctx context.Context) {
	every := 5 * time.Second
	if d.view.Terminal() {
		every = 500 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	spans, at := int64(0), d.begun
	for {
		select {
		case <-ctx.Done():
			d.view.Done()
			return
		case now := <-tick.C:
			s := d.now()
			rate := float64(s.SpansRead-spans) / now.Sub(at).Seconds()
			spans, at = s.SpansRead, now
			d.view.Progress(d.line(s, rate))
		}
	}
}

func (d *demo) now() summary.Summary {
	return d.collector.Now(d.pipeline.windower.Totals(), d.pipeline.cfg.Model.Interval)
}

func (d *demo) line(s summary.Summary, rate float64) string {
	parts := []string{fmt.Sprintf("%3.0fs", s.Seconds)}
	if last := d.collector.Last(); !last.IsZero() {
		parts = append(parts, "slice "+last.Format("01-02 15:04:05"))
	} else if trace := d.trace.Load(); trace != 0 {
		parts = append(parts, "trace "+time.Unix(0, trace).UTC().Format("01-02 15:04:05"))
	}
	parts = append(parts,
		screen.Count(s.SpansRead)+" spans",
		screen.Count(int64(rate))+"/s",
		screen.Count(s.Slices)+" slices",
		screen.Count(s.Services)+" services",
		screen.Count(s.Edges)+" edges",
		errorText(s, d.unit()))
	return strings.Join(parts, "  ")
}

func (d *demo) unit() string {
	if d.pipeline.cfg.Model.Target == model.ChannelRequests {
		return "1/s"
	}
	return "ms"
}

// errorText is the error so far beside that of persistence.
func errorText(s summary.Summary, unit string) string {
	if s.MAEModel == nil {
		if s.Model == "" {
			return "no forecast yet"
		}
		return "forecast by " + s.Model
	}
	return fmt.Sprintf("error %s %s, persistence %s (%.2f×), interval holds %.1f %%",
		screen.Number(*s.MAEModel), unit, screen.Number(*s.MAEPersistence), *s.MAEModel / *s.MAEPersistence, 100**s.Coverage)
}

// showForecasts prints the main target's forecasts of a slice.
func (d *demo) showForecasts(title string, r sink.SliceReport) {
	main := d.pipeline.cfg.Model.Target
	forecasts := slices.DeleteFunc(slices.Clone(r.Outcome.Forecasts), func(f model.Forecast) bool { return f.Target != main })
	if len(forecasts) == 0 {
		return
	}
	f := forecasts[0]
	d.view.Printf("\n%s: %s after slice %s, with %g %% intervals\n%s", title, main,
		time.Unix(0, f.SliceStart).UTC().Format("15:04:05"), 100*f.Level, screen.Table(forecasts, d.rows))
}

func (d *demo) onTraining(t sink.TrainingReport) {
	switch {
	case t.Err != nil:
		d.view.Printf("training for %s failed: %v", t.Target, t.Err)
	case t.Promoted:
		d.view.Printf("trained %s in %.1f s (%d windows, %d epochs): %s", t.Version, t.Seconds, t.Report.Windows, t.Report.Epochs, t.Reason)
	default:
		d.view.Printf("trained for %s in %.1f s, not used: %s", t.Target, t.Seconds, t.Reason)
	}
}

// finish prints the totals and writes the summary.
func (d *demo) finish() error {
	d.view.Done()
	if d.pipeline == nil {
		return nil
	}
	s := d.now()
	d.view.Printf("\n%s slices, %s services, %s edges, %s spans read, %s forecasts published, %s came due in %.0f s; %s",
		screen.Count(s.Slices), screen.Count(s.Services), screen.Count(s.Edges), screen.Count(s.SpansRead),
		screen.Count(s.ForecastsPublished), screen.Count(s.ForecastsDue), s.Seconds, errorText(s, d.unit()))
	if s.Slices > 0 && s.MAEModel == nil {
		d.view.Printf("%s", unjudgedText(s, 8*(d.pipeline.cfg.Model.Input+d.pipeline.cfg.Model.Horizons)))
	}
	if d.summary == "" {
		return nil
	}
	return s.Write(d.summary)
}

// unjudgedText says why no network was judged, in a run that had slices; a network is trained on that many.
func unjudgedText(s summary.Summary, needed int) string {
	switch {
	case s.Trainings == 0:
		return fmt.Sprintf("too short to train a network on: that takes %d slices that are not empty; %s forecast instead", needed, s.Model)
	case s.SecondsToFirstForecast == nil:
		return fmt.Sprintf("too short to use a network: training began, but none was done and found better before the end; %s forecast instead", s.Model)
	}
	return "too short to judge the network: none of its forecasts came due before the end"
}
