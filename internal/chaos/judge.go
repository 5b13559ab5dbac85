package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"presage/internal/kafka"
	"presage/windower/slice"
	"presage/windower/stage"
)

const (
	settleTimeout = 5 * time.Minute // for everything to come to its end without faults
	settlePoll    = 500 * time.Millisecond
)

// judge waits until everything has come to its end, and holds it against the undisturbed reading.
func (w *world) judge(ctx context.Context) error {
	if w.Rekey {
		if err := w.waitForCopies(ctx); err != nil {
			return err
		}
	}
	want, err := w.reading(ctx)
	if err != nil {
		return err
	}
	w.verdict.Slices = len(want.snapshots)
	if err := w.settle(ctx, want, forecastsTopic); err != nil {
		w.Log.Error("not at its end", "error", err) // what is missing is counted below
	}
	for _, p := range w.processes {
		if err := p.Stop(); err != nil {
			return err
		}
	}
	if w.Idle || w.Rekey { // the last advances, and copies, may have been told meanwhile
		if want, err = w.read(ctx, want.fingerprint); err != nil {
			return err
		}
	}
	if err := w.judgeSlices(ctx, want); err != nil {
		return err
	}
	if err := w.judgePlaces(ctx, want); err != nil {
		return err
	}
	if w.Rekey {
		if err := w.judgeCopies(ctx, want); err != nil {
			return err
		}
	}
	return w.judgeForecasts(ctx, want)
}

// reading reads the log once its slices tell the graph's fingerprint.
func (w *world) reading(ctx context.Context) (*reading, error) {
	var fingerprint uint64
	var found bool
	for deadline := w.Now().Add(settleTimeout); !found; {
		_, err := w.slices(ctx, func(s *slice.Snapshot) error {
			fingerprint, found = s.Fingerprint, true
			return nil
		})
		if err != nil {
			return nil, err
		}
		if !found && w.Now().After(deadline) {
			return nil, errors.New("no slice was written")
		}
		if err := w.rest(ctx, settlePoll); err != nil {
			return nil, err
		}
	}
	return w.read(ctx, fingerprint)
}

// slices reads what consumers take for the graph's slices: the first of each.
func (w *world) slices(ctx context.Context, fn func(*slice.Snapshot) error) (n int, err error) {
	err = stage.ReadSlices(ctx, stage.SlicesConfig{Client: w.client, Topic: slicesTopic, Graph: graph, From: kafka.FirstOffset},
		func(s *slice.Snapshot, _, _ int64) error {
			n++
			return fn(s)
		})
	return n, err
}

// settle waits until the last slice is written and forecast.
func (w *world) settle(ctx context.Context, want *reading, topic string) error {
	for deadline := w.Now().Add(settleTimeout); ; {
		there := false
		if _, err := w.slices(ctx, func(s *slice.Snapshot) error {
			there = there || s.Index == want.last
			return nil
		}); err != nil {
			return err
		}
		if there {
			done, err := w.forecast(ctx, topic, want.last*want.width)
			if err != nil || done {
				return err
			}
		}
		if w.Now().After(deadline) {
			return fmt.Errorf("slice %d of the log is written: %v, but not forecast on %s after %v", want.last, there, topic, settleTimeout)
		}
		if err := w.rest(ctx, settlePoll); err != nil {
			return err
		}
	}
}

// judgeSlices compares all slices, byte for byte.
func (w *world) judgeSlices(ctx context.Context, want *reading) error {
	seen := map[int64]bool{}
	_, err := w.slices(ctx, func(s *slice.Snapshot) error {
		got, err := encode(s)
		if err != nil {
			return err
		}
		seen[s.Index] = true
		ok, other := want.allowsSlice(s.Index, got)
		if other {
			w.recounted++
		}
		if ok {
			return nil
		}
		w.Log.Error("a slice is not the undisturbed one", "slice", s.Index, "revision", s.Revision, "complete", s.Complete,
			"requests", total(s), "expected", total(want.snapshots[s.Index]))
		switch requests, expected := total(s), total(want.snapshots[s.Index]); {
		case requests > expected:
			w.verdict.Doubled++
		case requests < expected:
			w.verdict.Lost++
		default:
			w.verdict.Different++
		}
		return nil
	})
	for index := range want.encoded {
		if !seen[index] {
			w.Log.Error("a slice is missing", "slice", index)
			w.verdict.Lost++
		}
	}
	return err
}

// total is all requests of a slice; nil has none.
func total(s *slice.Snapshot) (sum float64) {
	if s == nil {
		return 0
	}
	for _, v := range s.Nodes.Requests.Value {
		sum += v
	}
	return sum
}
