package chaos

import (
	"bytes"
	"context"
	"errors"
	"math"

	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
	"presage/windower/stage"
)

// copyAt is the place of a copy: its partition, and what it is of.
type copyAt struct {
	partition     int // of the re-keyed topic
	source        int // partition of the topic that is copied
	offset, index int64
}

func (a copyAt) less(b copyAt) bool {
	return a.offset < b.offset || a.offset == b.offset && a.index < b.index
}

// copied is a part of a record as it must be copied.
type copied struct {
	value []byte
	high  int64 // highest event time of its partition after the record
}

// waitForCopies waits until those that re-key have committed the ends of all partitions.
func (w *world) waitForCopies(ctx context.Context) error {
	for deadline := w.Now().Add(settleTimeout); ; {
		ends, err := w.client.Ends(ctx, spanTopic)
		if err != nil {
			return err
		}
		commits, err := w.commits(ctx, stage.RekeyGroup(spanTopic), spanTopic)
		if err != nil {
			return err
		}
		done := true
		for p, end := range ends {
			done = done && commits[p].Offset >= end.End
		}
		if done {
			return nil
		}
		if w.Now().After(deadline) {
			return errors.New("spans are not copied to their end")
		}
		if err := w.rest(ctx, settlePoll); err != nil {
			return err
		}
	}
}

// judgeCopies holds the re-keyed topic against the one that was copied: every span is there, in the partition of its trace, and
// of each source the first copies come in the order of the source, as readers leave out what is behind.
func (w *world) judgeCopies(ctx context.Context, want *reading) error {
	expected, err := w.copies(ctx)
	if err != nil {
		return err
	}
	for partition := range spanPartition {
		heard := newHeard()
		for _, r := range want.logs[slice.Source{Topic: want.spans, Partition: partition}] {
			told, ok := source(&r)
			if !ok {
				w.Log.Error("a copy does not say where it is from", "partition", partition, "offset", r.Offset)
				w.verdict.Different++
				continue
			}
			at := copyAt{partition, told.Partition, told.Offset, told.Index}
			if !told.Heartbeat() {
				w.judgeCopy(at, told, r.Value, expected)
			}
			if heard.take(at) == behind {
				w.Log.Error("a copy comes after later ones: readers leave it out", "partition", partition, "offset", r.Offset, "source", told.Partition, "source_offset", told.Offset)
				w.verdict.Lost++
			}
		}
		for at := range expected {
			if at.partition == partition && !heard.seen[at] {
				w.Log.Error("spans are not copied", "partition", partition, "source", at.source, "source_offset", at.offset)
				w.verdict.Lost++
			}
		}
	}
	return w.judgeCopied(ctx)
}

// heard is what a partition of the re-keyed topic has held so far.
type heard struct {
	last map[int]copyAt // by source
	seen map[copyAt]bool
}

// arrival is how a copy stands to those before it.
type arrival int

const (
	first  arrival = iota
	again          // it was there before
	behind         // it was not, but later ones of its source were
)

func newHeard() *heard { return &heard{map[int]copyAt{}, map[copyAt]bool{}} }

func (h *heard) take(at copyAt) (a arrival) {
	last, ok := h.last[at.source]
	switch beat := at.index == ingest.WholeRecord; {
	case h.seen[at]:
		a = again
	case ok && at.less(last) && !beat:
		a = behind
	}
	if !ok || last.less(at) {
		h.last[at.source] = at
	}
	h.seen[at] = true
	return a
}

// rewritten are the offsets of a log's copies that were there before. The windower's core has a rule for them of its own.
func rewritten(partition int, log []kafka.Record) map[int64]bool {
	out, heard := map[int64]bool{}, newHeard()
	for i := range log {
		if told, ok := source(&log[i]); ok && heard.take(copyAt{partition, told.Partition, told.Offset, told.Index}) == again && !told.Heartbeat() {
			out[log[i].Offset] = true
		}
	}
	return out
}

func (w *world) judgeCopy(at copyAt, told ingest.Source, value []byte, expected map[copyAt]copied) {
	want, ok := expected[at]
	// Where idle partitions go on, event time may be further than records say.
	if ok && bytes.Equal(value, want.value) && (told.High == want.high || w.Idle && told.High > want.high) {
		return
	}
	w.Log.Error("a copy is not of its source", "partition", at.partition, "source", at.source, "source_offset", at.offset, "index", at.index, "known", ok,
		"high", told.High, "expected", want.high)
	w.verdict.Different++
}

// source is what a copy's header says.
func source(r *kafka.Record) (ingest.Source, bool) {
	for _, h := range r.Headers {
		if h.Key == ingest.HeaderSource {
			s, err := ingest.ParseSource(h.Value)
			return s, err == nil
		}
	}
	return ingest.Source{}, false
}

// copies are what the re-keyed topic must hold.
func (w *world) copies(ctx context.Context) (map[copyAt]copied, error) {
	out := map[copyAt]copied{}
	splitter := otlp.NewTraceSplitter(otlp.Limits{})
	for p := range spanPartition {
		err := w.eachCopied(ctx, p, func(r *kafka.Record, high int64) error {
			parts, err := splitter.Split(r.Value, spanPartition, math.MaxInt32, nil)
			for _, part := range parts {
				out[copyAt{part.Partition, p, r.Offset, int64(part.Index)}] = copied{bytes.Clone(part.Value), high}
			}
			splitter.Reset()
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// eachCopied calls fn with each record of a partition of spans that can be decoded, and the highest event time after it.
func (w *world) eachCopied(ctx context.Context, partition int, fn func(*kafka.Record, int64) error) error {
	s := slice.Source{Topic: spanTopic, Partition: partition}
	records, err := w.log(ctx, s)
	if err != nil {
		return err
	}
	decoder, state := ingest.NewDecoder(ingest.Options{}), windower.Copied{High: ingest.NoTime}
	for i := range records {
		batch, ok := decode(decoder, ingest.Spans, s, &records[i])
		state.Take(batch)
		if !ok || len(records[i].Value) == 0 {
			continue
		}
		if err := fn(&records[i], state.High); err != nil {
			return err
		}
	}
	return nil
}

// judgeCopied holds what those that re-key have committed against the log: they are at its end.
func (w *world) judgeCopied(ctx context.Context) error {
	commits, err := w.commits(ctx, stage.RekeyGroup(spanTopic), spanTopic)
	if err != nil {
		return err
	}
	for p := range spanPartition {
		c, err := windower.ParseCopied(windower.Commit(commits[p]))
		if err != nil || c.High != ingest.EndOfTime {
			w.Log.Error("a place that is copied to the end says something else", "partition", p, "high", c.High, "error", err)
			w.verdict.Different++
		}
	}
	return nil
}
