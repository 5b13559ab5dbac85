package chaos

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"presage/ingest"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

// share of a slice: a source partition's.
type part struct {
	source slice.Source
	index  int64
}

// reading is what one undisturbed process makes of the log.
type reading struct {
	fingerprint uint64
	spans       string // topic that windowers read
	rekeyed     bool   // another was copied into it
	dedupe      bool
	width       int64 // of a slice
	lateness    int64
	partials    map[part][]byte // as content gives them, those with rows
	snapshots   map[int64]*slice.Snapshot
	encoded     map[int64][]byte
	last        int64 // newest slice
	logs        map[slice.Source][]kafka.Record
	rewritten   map[slice.Source]map[int64]bool  // of them, copies that were there before, by offset
	advances    map[slice.Source]map[int64]int64 // event time that a partition went on to, by offset
	// others are readings that are as good: a partition whose commit was destroyed is read from its beginning, without the
	// advances that were in it, so that what was late may be counted after all.
	others []*reading
}

// read reads the telemetry topics to their ends and runs the windower's core over them.
func (w *world) read(ctx context.Context, fingerprint uint64) (*reading, error) {
	told, err := w.told()
	if err != nil {
		return nil, err
	}
	r := &reading{
		fingerprint: fingerprint, spans: w.spans(), rekeyed: w.Rekey, dedupe: w.Dedupe, width: w.width().Nanoseconds(), lateness: w.lateness().Nanoseconds(),
		logs: map[slice.Source][]kafka.Record{}, rewritten: map[slice.Source]map[int64]bool{},
	}
	for _, s := range sources(r.spans) {
		if r.logs[s], err = w.log(ctx, s); err != nil {
			return nil, err
		}
		if w.Rekey && s.Topic == r.spans {
			r.rewritten[s] = rewritten(s.Partition, r.logs[s])
		}
	}
	for _, a := range told.afresh {
		if !told.forgot(a) {
			continue
		}
		other := *r
		other.others = nil
		if err := other.applyAll(told.committed(a)); err != nil {
			return nil, err
		}
		r.others = append(r.others, &other)
	}
	if err := r.applyAll(told.committed(afresh{})); err != nil {
		return nil, err
	}
	return r, nil
}

// applyAll runs the core over the logs of all partitions, with these advances.
func (r *reading) applyAll(advances map[slice.Source]map[int64]int64) error {
	r.advances, r.partials, r.snapshots, r.encoded = advances, map[part][]byte{}, map[int64]*slice.Snapshot{}, map[int64][]byte{}
	assembler, err := windower.NewAssembler(windower.AssemblerConfig{
		Graph: graph, Fingerprint: r.fingerprint, Width: r.width, SpanTopics: []string{r.spans}, MetricTopics: []string{metricTopic},
	})
	if err != nil {
		return err
	}
	offset := int64(0)
	for _, s := range sources(r.spans) {
		partials, err := r.apply(s, nil)
		if err != nil {
			return err
		}
		for _, p := range partials {
			if !p.Empty() {
				r.partials[part{s, p.Index}] = content(p)
			}
			if err := r.keep(assembler.Add(offset, p, 0, 1).Snapshots); err != nil {
				return err
			}
			offset++
		}
	}
	return nil
}

// content is a partial less its watermark: where event time went on in several steps, a restart makes one of them.
func content(p *slice.Partial) []byte {
	c := *p
	c.Watermark = 0
	return bytes.Join(slice.EncodePartial(&c, 0), nil)
}

// log is all records of a partition.
func (w *world) log(ctx context.Context, s slice.Source) (out []kafka.Record, err error) {
	ends, err := w.client.Ends(ctx, s.Topic)
	if err != nil {
		return nil, err
	}
	err = w.client.ReadRange(ctx, s.Topic, s.Partition, kafka.FirstOffset, ends[s.Partition].End, func(records []kafka.Record) error {
		for _, r := range records {
			r.Value = bytes.Clone(r.Value)
			headers := make([]kafka.Header, len(r.Headers))
			for i, h := range r.Headers {
				headers[i] = kafka.Header{Key: h.Key, Value: bytes.Clone(h.Value)}
			}
			r.Headers = headers
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// apply runs the core over a partition's log, from a place on where one is given, and gives its partials and last watermark.
func (r *reading) apply(s slice.Source, resume *windower.Resume) ([]*slice.Partial, error) {
	partitions, signal := spanPartition, ingest.Spans
	if s.Topic == metricTopic {
		partitions, signal = 1, ingest.Metrics
	}
	machine, err := windower.NewPartition(windower.PartitionConfig{
		Graph: graph, Fingerprint: r.fingerprint, Width: r.width, Lateness: r.lateness, TombstoneTTL: r.lateness,
		Source: s, Partitions: partitions, DedupeSpans: r.dedupe, Rekeyed: r.rekeyed && signal == ingest.Spans, Resume: resume,
	})
	if err != nil {
		return nil, err
	}
	decoder := ingest.NewDecoder(ingest.Options{})
	var out []*slice.Partial
	for _, rec := range r.logs[s] {
		if resume != nil && rec.Offset < resume.Offset || resume == nil && r.rewritten[s][rec.Offset] {
			continue
		}
		out = append(out, r.advance(machine, s, rec.Offset, resume).Partials...)
		batch, _ := decode(decoder, signal, s, &rec)
		out = append(out, machine.Apply(batch).Partials...)
	}
	if p, ok := machine.WatermarkOnly(); ok && resume == nil {
		out = append(out, p)
	}
	return out, nil
}

// decode decodes a record; one that can't be moves past its place alone.
func decode(d *ingest.Decoder, signal ingest.Signal, s slice.Source, rec *kafka.Record) (b *ingest.Batch, ok bool) {
	var headers []ingest.Header
	for _, h := range rec.Headers {
		headers = append(headers, ingest.Header(h))
	}
	at := ingest.Position{Topic: s.Topic, Partition: s.Partition, Offset: rec.Offset}
	b, err := d.Decode(signal, at, rec.Time, headers, rec.Value)
	if err != nil {
		return &ingest.Batch{Position: at, Time: rec.Time}, false
	}
	return b, true
}

// advance makes the advance that the windowers have committed for a place of the log, if there is one. A machine that goes on
// from a commit knows its own.
func (r *reading) advance(machine *windower.Partition, s slice.Source, offset int64, resume *windower.Resume) (out windower.Output) {
	if to, ok := r.advances[s][offset]; ok && resume == nil {
		if _, ok := machine.PlanAdvance(windower.AllAcknowledged, to); ok {
			out = machine.Advance()
		}
	}
	return out
}

func (r *reading) keep(snapshots []*slice.Snapshot) error {
	for _, s := range snapshots {
		encoded, err := encode(s)
		if err != nil {
			return err
		}
		r.snapshots[s.Index], r.encoded[s.Index] = s, encoded
		r.last = max(r.last, s.Index)
	}
	return nil
}

func encode(s *slice.Snapshot) ([]byte, error) {
	chunks, err := slice.EncodeSnapshot(s, 0)
	if err != nil {
		return nil, fmt.Errorf("slice %d: %w", s.Index, err)
	}
	return bytes.Join(chunks, nil), nil
}

// allows tells whether a share of a slice is an undisturbed one; other says that it is so only because a partition's commit was
// destroyed.
func (r *reading) allows(at part, share []byte) (ok, other bool) {
	return r.matches(func(r *reading) bool { return bytes.Equal(share, r.partials[at]) })
}

// allowsSlice tells the same of a slice.
func (r *reading) allowsSlice(index int64, encoded []byte) (ok, other bool) {
	return r.matches(func(r *reading) bool { return bytes.Equal(encoded, r.encoded[index]) })
}

func (r *reading) matches(is func(*reading) bool) (ok, other bool) {
	if is(r) {
		return true, false
	}
	other = slices.ContainsFunc(r.others, is)
	return other, other
}
