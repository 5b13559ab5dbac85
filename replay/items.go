package replay

import (
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"presage/ingest/otlp"
)

// move shifts an item in time; in later turns of a loop it gives its trace a new id.
func (r *replayer) move(it *Item) {
	it.At += r.shift
	if s := it.Span; s != nil {
		s.Start += r.shift
		s.End += r.shift
		if r.turn > 0 {
			s.TraceID = turned(s.TraceID, r.turn)
			for i := range s.Links {
				s.Links[i].TraceID = turned(s.Links[i].TraceID, r.turn)
			}
		}
		return
	}
	if r.shift == 0 {
		return
	}
	for i := range it.Metrics.Metrics {
		points := it.Metrics.Metrics[i].Points
		for j := range points {
			points[j].Time += r.shift
			if points[j].Start != 0 {
				points[j].Start += r.shift
			}
		}
	}
}

// turned is a trace's id in a later turn: other than in all turns before.
func turned(id [16]byte, turn int) [16]byte {
	h := uint64(turn) * 0x9e3779b97f4a7c15
	binary.LittleEndian.PutUint64(id[8:], binary.LittleEndian.Uint64(id[8:])^h)
	return id
}

// advance goes on to an event time: what is due by then is written, and the clock
// waited for.
func (r *replayer) advance(ctx context.Context, at int64) error {
	if at <= r.at {
		return r.wait(ctx, at) // a straggler
	}
	if err := r.flush(ctx, at-traceWindow); err != nil {
		return err
	}
	if err := r.watermarks(ctx, at); err != nil {
		return err
	}
	if r.at == math.MinInt64 {
		r.report.First = time.Unix(0, at).UTC()
	}
	r.at = at
	return r.wait(ctx, at)
}

// wait waits until an event time is due, having written what there is. What is
// in the topics already is passed over without waiting.
func (r *replayer) wait(ctx context.Context, at int64) error {
	if r.left > 0 {
		return nil
	}
	for {
		d := r.pace.wait(at)
		if d <= 0 {
			return nil
		}
		if err := r.handOver(ctx); err != nil {
			return err
		}
		if r.opts.Progress != nil {
			d = min(d, progressEvery)
		}
		if err := r.pace.sleep(ctx, d, r.writer.failed); err != nil {
			return err
		}
		if err := r.writer.failure(); err != nil {
			return err
		}
		r.tell()
	}
}

// watermarks writes the watermarks up to an event time.
func (r *replayer) watermarks(ctx context.Context, at int64) error {
	last := at - floorMod(at, watermarkEvery)
	if r.watermark == math.MinInt64 {
		r.watermark = last
	}
	for n := 0; r.watermark < last; n++ {
		r.watermark += watermarkEvery
		if n >= gapWatermarks {
			r.watermark = last
		}
		if err := r.wait(ctx, r.watermark); err != nil {
			return err
		}
		if err := r.writeWatermark(ctx, r.watermark, false); err != nil {
			return err
		}
	}
	return nil
}

func floorMod(a, b int64) int64 { return ((a % b) + b) % b }

func (r *replayer) writeWatermark(ctx context.Context, at int64, final bool) error {
	headers := []Header{{Key: HeaderWatermark, Value: strconv.AppendInt(nil, at, 10)}}
	if final {
		headers = append(headers, Header{Key: HeaderFinal, Value: []byte("1")})
	}
	for _, t := range []*topic{r.spans, r.metrics} {
		if t == nil {
			continue
		}
		for partition := range t.begin {
			if r.pass(t, partition) {
				continue
			}
			r.report.Watermarks++
			if err := r.emit(ctx, t, partition, nil, headers); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes the traces and metrics that were opened at or before an event time.
func (r *replayer) flush(ctx context.Context, opened int64) error {
	for due := r.traces.due(opened); due != nil; due = r.traces.due(opened) {
		if err := r.writeTrace(ctx, due); err != nil {
			return err
		}
	}
	if len(r.resources) > 0 && r.opened <= opened {
		return r.writeMetrics(ctx)
	}
	return nil
}

func (r *replayer) writeTrace(ctx context.Context, tr *trace) error {
	defer r.traces.release(tr)
	key := tr.key(&r.key)
	partition := PartitionOf(key, len(r.spans.begin))
	if r.pass(r.spans, partition) {
		return nil
	}
	r.batch.arena = r.traces.encode(r.batch.arena, tr)
	return r.emit(ctx, r.spans, partition, key, nil)
}

func (r *replayer) addMetrics(ctx context.Context, m *otlp.ResourceMetrics) error {
	if len(r.resources) == 0 {
		r.opened = r.at
	}
	r.report.Metrics++
	for i := range m.Metrics {
		r.report.Points += int64(len(m.Metrics[i].Points))
	}
	r.resources = append(r.resources, *m)
	if len(r.resources) >= metricsBatch {
		return r.writeMetrics(ctx)
	}
	return nil
}

func (r *replayer) writeMetrics(ctx context.Context) error {
	defer func() {
		clear(r.resources)
		r.resources = r.resources[:0]
	}()
	t := r.metrics
	partition := t.next
	t.next = (t.next + 1) % len(t.begin)
	if r.pass(t, partition) {
		return nil
	}
	r.batch.arena = otlp.AppendMetrics(r.batch.arena, r.resources)
	return r.emit(ctx, t, partition, nil, nil)
}

func (r *replayer) pass(t *topic, partition int) bool {
	passed := t.pass(partition)
	if passed {
		r.left--
	}
	return passed
}

// emit adds the record whose value ends where the batch's arena does.
func (r *replayer) emit(ctx context.Context, t *topic, partition int, key []byte, headers []Header) error {
	r.batch.add(t, partition, r.opts.Clock.Now().UnixNano(), key, headers)
	if r.batch.full() {
		return r.handOver(ctx)
	}
	return nil
}

// handOver gives the records made so far to the writer.
func (r *replayer) handOver(ctx context.Context) (err error) {
	if len(r.batch.records) == 0 {
		return nil
	}
	if err := r.writer.put(ctx, r.batch); err != nil {
		return err
	}
	r.batch, err = r.writer.next(ctx)
	return err
}
