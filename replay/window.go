package replay

import (
	"context"
	"errors"
	"io"
	"math"
)

// window is the part of a recording that is replayed.
type window struct {
	opts     Options
	resolved bool
	from, to int64
}

func newWindow(opts Options) window { return window{opts: opts} }

type place uint8

const (
	inside place = iota
	before
	behind
)

// place says where an item lies. Offsets count from the recording's first item.
func (w *window) place(at int64, s Source) place {
	if !w.resolved {
		first := at
		if known := s.Stats().First; known != 0 {
			first = known
		}
		w.from, w.to = w.opts.From.nanos(first, math.MinInt64), w.opts.To.nanos(first, math.MaxInt64)
		w.resolved = true
	}
	switch {
	case at < w.from:
		return before
	case at >= w.to:
		return behind
	}
	return inside
}

// rebase sets the shift that makes the recording end now, or at speed 1 start now.
func (r *replayer) rebase(ctx context.Context) error {
	defer func() { r.begunShift = r.shift }()
	if r.resumed != nil {
		r.shift = r.resumed.Shift
		return nil
	}
	if !r.opts.Rebase {
		return nil
	}
	first, last, err := r.measure(ctx)
	if err != nil {
		return err
	}
	now := r.opts.Clock.Now().UnixNano()
	r.shift = now - last
	if r.opts.Speed == 1 {
		r.shift = now - first
	}
	return nil
}

// measure finds the event times of the first and last item that will be replayed:
// from the source where it knows, else by reading the recording once.
func (r *replayer) measure(ctx context.Context) (first, last int64, err error) {
	s, err := r.open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	if ranger, ok := s.(Ranger); ok && r.opts.Limit == 0 {
		first, last, err := ranger.Range(ctx)
		if err != nil {
			return 0, 0, err
		}
		return max(first, r.opts.From.nanos(first, first)), min(last, r.opts.To.nanos(first, last)), nil
	}
	r.opts.Logger.Info("reading the recording once to find its range, before it is replayed")
	w := newWindow(r.opts)
	found, spans := false, int64(0)
	for r.opts.Limit == 0 || spans < r.opts.Limit {
		it, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
		place := w.place(it.At, s)
		if place == behind {
			break
		}
		if place == before || (it.Metrics != nil && r.metrics == nil) {
			continue
		}
		if it.Span != nil {
			spans++
		}
		if !found || it.At < first {
			first = it.At
		}
		last, found = max(last, it.At), true
	}
	return first, last, nil
}
