package nezha

import (
	"context"
	"errors"
	"io"

	"presage/replay"
	"presage/replay/extsort"
	"presage/replay/files"
)

// Source is an open recording. It implements replay.Source and replay.Sampler.
type Source struct {
	options     Options
	spanParts   []files.Part
	metricParts []files.Part
	size        int64
	opener      files.Opener
	skips       files.Skips
	pods        *pods
	window      *window
	nextPart    int
	metricsRead bool
	buf         []byte

	spans, metrics head
	rows, sorted   int64
	given          int64
	first, last    int64 // ends of the first span and of the last one given out
	notes          []string
}

// head is the next row of a sorted stream.
type head struct {
	merger *extsort.Merger
	at     int64
	row    []byte
	ready  bool
	ended  bool
}

func (h *head) fill(ctx context.Context) error {
	if h.ready || h.ended {
		return nil
	}
	at, row, err := h.merger.Next(ctx)
	if errors.Is(err, io.EOF) {
		h.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	h.at, h.row, h.ready = at, row, true
	return nil
}

// Open opens a recording; Close it at the end. It fails if there are no span files.
func Open(ctx context.Context, o Options) (*Source, error) {
	o = o.withDefaults()
	found, err := files.Find(ctx, o.Data, spanTable, metricTable)
	if err != nil {
		return nil, err
	}
	if len(found[0]) == 0 {
		// The same search for spans alone fails with the names that are expected.
		if _, err := files.Find(ctx, o.Data, spanTable); err != nil {
			return nil, err
		}
	}
	s := &Source{options: o, spanParts: found[0], metricParts: found[1], pods: newPods(), window: newWindow(o.TraceRows)}
	for _, parts := range found {
		for _, p := range parts {
			s.size += p.Size
		}
	}
	if len(found[1]) == 0 {
		s.notes = append(s.notes, "no metrics_*.csv or *_metric.csv: pods' CPU and memory are missing")
	}
	s.spans.merger = extsort.NewMerger(o.TempDir, o.SortBytes, s.loadSpans)
	s.metrics.merger = extsort.NewMerger(o.TempDir, o.SortBytes, s.loadMetrics)
	return s, nil
}

// Next implements replay.Source.
func (s *Source) Next(ctx context.Context) (replay.Item, error) {
	if err := s.spans.fill(ctx); err != nil {
		return replay.Item{}, err
	}
	if s.spans.ready && s.first == 0 {
		s.first = s.spans.at
	}
	if err := s.nextMetrics(ctx); err != nil {
		return replay.Item{}, err
	}
	switch {
	case s.metrics.ready && (!s.spans.ready || s.metrics.at <= s.spans.at):
		s.metrics.ready = false
		s.given++
		return s.pods.decodeReading(s.metrics.at, s.metrics.row), nil
	case s.spans.ready:
		s.spans.ready = false
		s.given++
		s.last = max(s.last, s.spans.at)
		return s.pods.decodeSpan(s.spans.at, s.spans.row), nil
	}
	return replay.Item{}, io.EOF
}

// nextMetrics passes over metrics long before the first span and long after the
// last one.
func (s *Source) nextMetrics(ctx context.Context) error {
	margin := int64(s.options.MetricsMargin)
	for {
		if err := s.metrics.fill(ctx); err != nil || !s.metrics.ready {
			return err
		}
		if s.metrics.at >= s.first-margin && (s.spans.ready || s.metrics.at <= s.last+margin) {
			return nil
		}
		s.metrics.ready = false
		s.given++
		s.skips.Count(OutsideMetrics, 1)
	}
}

// Stats implements replay.Source.
func (s *Source) Stats() replay.Stats {
	skipped := s.skips.Counts()
	if late := s.spans.merger.Late() + s.metrics.merger.Late(); late > 0 {
		if skipped == nil {
			skipped = map[string]int64{}
		}
		skipped[files.LateRow] += late
	}
	st := replay.Stats{Rows: s.rows, Done: -1, Skipped: skipped, First: s.first, Notes: s.notes}
	if s.size > 0 && s.sorted > 0 {
		st.Done = min(float64(s.opener.BytesRead())/float64(s.size), 1) * float64(s.given) / float64(s.sorted)
	}
	if s.spans.ended {
		st.Last = s.last
	}
	return st
}

// TakeSamples implements replay.Sampler.
func (s *Source) TakeSamples() []files.Sample { return s.skips.TakeSamples() }

// Close implements replay.Source.
func (s *Source) Close() error {
	return errors.Join(s.spans.merger.Close(), s.metrics.merger.Close(), s.opener.Close())
}
