package chaos

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"presage/internal/kafka"
	"presage/sink"
	"presage/windower/slice"
)

// said is what a forecast record speaks of.
type said struct {
	service, target string
	start           int64 // of the slice, Unix nanoseconds
}

// whole is to read a topic from its beginning; lastRecords is enough of each partition to hold the newest slices.
const (
	whole       = math.MaxInt64
	lastRecords = 500
)

// forecasts reads the first record of each service, target and slice, less the time it was made at, among the last records of
// every partition.
func (w *world) forecasts(ctx context.Context, topic string, last int64) (map[said]string, error) {
	ends, err := w.client.Ends(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := map[said]string{}
	for partition, e := range ends {
		err := w.client.ReadRange(ctx, topic, partition, max(e.First, e.End-last), e.End, func(records []kafka.Record) error {
			for _, r := range records {
				f, err := sink.Decode(r.Value)
				if err != nil {
					return fmt.Errorf("forecast at offset %d of partition %d: %w", r.Offset, partition, err)
				}
				at := said{f.Service, f.Target, f.SliceStart}
				if _, ok := out[at]; !ok {
					out[at] = string(sink.Encode(f.Forecast, 0))
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// forecast tells whether a slice is forecast.
func (w *world) forecast(ctx context.Context, topic string, start int64) (bool, error) {
	all, err := w.forecasts(ctx, topic, lastRecords)
	for at := range all {
		if at.start >= start {
			return true, err
		}
	}
	return false, err
}

// judgeForecasts lets another forecaster, which nothing happens to, forecast the same slices from an empty folder, and
// compares the first records by key. In a varied world what is forecast may differ, but nothing may be missing that any method
// can forecast: a network can do without recent values of a service, and who lost it can't.
func (w *world) judgeForecasts(ctx context.Context, want *reading) error {
	state := filepath.Join(w.Dir, "reference")
	if err := os.MkdirAll(state, 0o755); err != nil {
		return err
	}
	p, err := w.process("reference", "forecaster", referenceTopic, state)
	if err != nil {
		return err
	}
	w.processes = []*process{p}
	if err := p.Start(); err != nil {
		return err
	}
	err = w.client.EnsureTopics(ctx, []kafka.TopicSpec{{Name: referenceTopic, Partitions: 4}})
	if err == nil {
		err = w.settle(ctx, want, referenceTopic)
	}
	if err != nil {
		return fmt.Errorf("the undisturbed forecaster: %w", err)
	}
	if err := p.Stop(); err != nil {
		return err
	}
	expected, err := w.forecasts(ctx, referenceTopic, whole)
	if err != nil {
		return err
	}
	got, err := w.forecasts(ctx, forecastsTopic, whole)
	if err != nil {
		return err
	}
	beyond := 0
	for at, content := range expected {
		switch here, ok := got[at]; {
		case !ok && w.varied && !want.observed(at):
			beyond++
		case !ok:
			w.Log.Error("a forecast is missing", "service", at.service, "target", at.target, "slice_start", at.start)
			w.verdict.Lost++
		case here != content && !w.varied:
			w.Log.Error("a forecast is not the undisturbed one", "service", at.service, "target", at.target, "slice_start", at.start, "got", here, "expected", content)
			w.verdict.Different++
		}
	}
	w.Log.Info("judged", "slices", len(want.snapshots), "forecasts", len(expected), "exits", w.forecaster.exits, "not_forecast_unobserved", beyond,
		"advances", count(want.advances), "copies_written_again", count(want.rewritten), "recounted_without_advances", w.recounted)
	return nil
}

// observed tells whether a service's target has a value among the slices that methods look at.
func (r *reading) observed(at said) bool {
	for index := at.start/r.width - input + 1; index <= at.start/r.width; index++ {
		s := r.snapshots[index]
		if s == nil {
			continue
		}
		column := &s.Nodes.Mean
		if at.target == "requests" {
			column = &s.Nodes.Requests
		}
		if row, ok := s.Nodes.Find(at.service); ok {
			if _, ok := column.At(row); ok {
				return true
			}
		}
	}
	return false
}

// count is how many places all partitions have together.
func count[V any](of map[slice.Source]map[int64]V) (n int) {
	for _, places := range of {
		n += len(places)
	}
	return n
}
