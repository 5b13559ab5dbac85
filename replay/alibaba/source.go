package alibaba

import (
	"context"
	"errors"
	"io"

	"presage/replay"
	"presage/replay/files"
)

// stream is one kind of item in the order of time.
type stream interface {
	next(ctx context.Context) (replay.Item, error) // io.EOF after the last
	// span is the event times of the stream's first and last item, from its first and last file.
	span(ctx context.Context) (first, last int64, err error)
	tables() []*table
	count(skipped map[string]int64) // adds what was left out or mended
}

// source merges streams: it is the replay.Source of all three traces.
type source struct {
	opts    *Options
	streams []stream
	heads   []replay.Item
	ended   []bool
	started bool
	skips   *files.Skips
	notes   []string
	size    int64
	first   int64
	last    int64
}

func newSource(opts *Options, skips *files.Skips, notes []string, streams ...stream) *source {
	s := &source{opts: opts, streams: streams, skips: skips, notes: notes}
	s.heads, s.ended = make([]replay.Item, len(streams)), make([]bool, len(streams))
	for _, st := range streams {
		for _, t := range st.tables() {
			s.size += t.size()
		}
	}
	return s
}

// Next implements replay.Source.
func (s *source) Next(ctx context.Context) (replay.Item, error) {
	if !s.started {
		for i := range s.streams {
			if err := s.step(ctx, i); err != nil {
				return replay.Item{}, err
			}
		}
		s.started = true
	}
	least := -1
	for i := range s.heads {
		if !s.ended[i] && (least < 0 || s.heads[i].At < s.heads[least].At) {
			least = i
		}
	}
	if least < 0 {
		s.last = max(s.last, s.first)
		return replay.Item{}, io.EOF
	}
	it := s.heads[least]
	if s.first == 0 {
		s.first = it.At
	}
	s.last = max(s.last, it.At)
	return it, s.step(ctx, least)
}

func (s *source) step(ctx context.Context, i int) (err error) {
	s.heads[i], err = s.streams[i].next(ctx)
	if errors.Is(err, io.EOF) {
		s.ended[i] = true
		return nil
	}
	return err
}

// Range implements replay.Ranger.
func (s *source) Range(ctx context.Context) (first, last int64, err error) {
	for i, st := range s.streams {
		a, b, err := st.span(ctx)
		if err != nil {
			return 0, 0, err
		}
		if i == 0 || a < first {
			first = a
		}
		last = max(last, b)
	}
	return first, last, nil
}

// Stats implements replay.Source.
func (s *source) Stats() replay.Stats {
	st := replay.Stats{Skipped: s.skips.Counts(), First: s.first, Notes: s.notes, Done: -1}
	if st.Skipped == nil {
		st.Skipped = make(map[string]int64)
	}
	read := int64(0)
	all := true
	for i, stream := range s.streams {
		stream.count(st.Skipped)
		for _, t := range stream.tables() {
			st.Rows += t.rows
			read += t.opener.BytesRead()
		}
		all = all && s.ended[i]
	}
	for reason, n := range st.Skipped {
		if n == 0 {
			delete(st.Skipped, reason)
		}
	}
	switch {
	case all && s.started:
		st.Last, st.Done = s.last, 1
	case s.size > 0:
		st.Done = min(1, float64(read)/float64(s.size)) * s.given()
	}
	return st
}

// given is the share of what was read from disk that has been given out, by time:
// files are read ahead.
func (s *source) given() float64 {
	read := s.first
	for _, st := range s.streams {
		for _, t := range st.tables() {
			if key, ok := t.merger.Highest(); ok {
				read = max(read, s.opts.nanos(key))
			}
		}
	}
	if read <= s.first {
		return 0
	}
	return min(1, float64(s.last-s.first)/float64(read-s.first))
}

// TakeSamples implements replay.Sampler.
func (s *source) TakeSamples() []files.Sample { return s.skips.TakeSamples() }

// Close implements replay.Source.
func (s *source) Close() error {
	var errs []error
	for _, st := range s.streams {
		for _, t := range st.tables() {
			errs = append(errs, t.close())
		}
	}
	return errors.Join(errs...)
}
