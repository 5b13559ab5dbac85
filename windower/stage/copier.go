package stage

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"presage/ingest"
	"presage/ingest/otlp"
	"presage/internal/kafka"
	"presage/windower"
)

// partOverhead is what a part takes in a batch of its own beside its value: batch, record, key, header.
const partOverhead = kafka.DefaultMaxMessageBytes - kafka.MaxRecordBytes + 256

// copier copies one partition of a topic of spans into the re-keyed topic. It reads, writes
// what it read, waits for the acknowledgement, and only then reads on: so what it commits is
// written. It is for one goroutine.
type copier struct {
	*rekeyStage
	assignment kafka.Assignment
	decoder    *ingest.Decoder
	splitter   *otlp.TraceSplitter
	member     *member // among the partitions of this process
	abroad     *member // among those of all
	complaints *complaints
	dead       *deadLetters
	eye        eye
	headers    []ingest.Header // reused
	parts      []otlp.Part     // likewise
	out        []kafka.Record  // to be written
	copied     windower.Copied // what was read, and with that is in out
	written    windower.Copied // what is acknowledged
	spans      int             // in out
	bytes      int             // likewise
	records    int             // read since they were counted

	stored   windower.Commit
	storedAt time.Time
	targets
	tellings
}

// restore makes a copier from the group's last commit.
func (s *rekeyStage) restore(ctx context.Context, a kafka.Assignment) (*copier, error) {
	present, err := s.ask(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("re-key %s/%d: %w", s.from, a.Partition(), err)
	}
	c := &copier{
		rekeyStage: s, assignment: a,
		decoder: ingest.NewDecoder(s.Ingest), splitter: otlp.NewTraceSplitter(s.Ingest.Limits),
		complaints: newComplaints(s.Log.With("graph", s.Graph.Name, "topic", s.from, "partition", a.Partition()), s.Now),
		targets:    targets{countedAt: s.Now()},
	}
	c.dead = newDeadLetters(&s.Options, s.producer, s.deadPartitions, ingest.Spans, c.complaints)
	stored, ok := a.Committed()
	copied, fresh, err := windower.ResumeCopied(windower.Commit(stored), ok, present)
	if err != nil {
		c.complaints.warn("commit", "the partition is copied from its beginning: its commit can't be used; readers leave out what they have", "offset", stored.Offset, "error", err)
	}
	if copied.Targets > present {
		if present, err = s.ask(ctx, copied.Targets); err != nil {
			return nil, fmt.Errorf("re-key %s/%d: %w", s.from, a.Partition(), err)
		}
	}
	c.present = present
	c.hear(present)
	c.copied, c.written = copied, copied
	a.StartAt(copied.Next)
	if copied.Next == 0 { // its beginning may be elsewhere by now
		a.StartAt(kafka.FirstOffset)
	}
	if fresh {
		if err := c.settle(ctx); err != nil {
			return nil, fmt.Errorf("re-key %s/%d: %w", s.from, a.Partition(), err)
		}
	} else {
		c.stored = windower.Commit(stored)
	}
	c.member, c.abroad = s.gate.join(), s.outlook.join(a.Partition())
	c.eye = eye{Options: &s.Options, assignment: a, complaints: c.complaints, places: []place{{s.gate, c.member}, {s.outlook.gate, c.abroad}}}
	return c, nil
}

// loop reads and writes until ctx ends or something fails.
func (c *copier) loop(ctx, writes context.Context) error {
	for ctx.Err() == nil {
		if c.wait(ctx) {
			if err := c.read(ctx); err != nil {
				return err
			}
		}
		c.tell()
		if err := c.write(writes); err != nil {
			return err
		}
		if err := c.chores(ctx); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// wait holds the partition back while it leads the slowest by too much.
func (c *copier) wait(ctx context.Context) bool {
	began := c.Now()
	open := c.gate.wait(ctx, c.member, gateWait) && c.outlook.gate.wait(ctx, c.abroad, gateWait)
	if d := c.Now().Sub(began); d > time.Millisecond {
		c.Metrics.wait(c.Graph.Name, "rekey_lead", d)
	}
	return open
}

// read reads once and splits what came.
func (c *copier) read(ctx context.Context) error {
	records, end, ok, err := c.eye.fetch(ctx)
	if !ok {
		return err
	}
	if !c.counted {
		c.began = max(c.began, end)
	}
	if len(records) > 0 {
		if err := c.prove(ctx); err != nil {
			return err
		}
	}
	c.splitter.Reset()
	for i := range records {
		c.take(&records[i])
	}
	c.records += len(records)
	if err := c.dead.write(ctx); err != nil {
		return err
	}
	atEnd := len(records) == 0 || records[len(records)-1].Offset+1 >= end
	c.idle(atEnd, len(records) > 0)
	c.gate.move(c.member, c.copied.High, atEnd)
	c.outlook.gate.move(c.abroad, c.copied.High, atEnd)
	c.Metrics.rekey.show(c.from, c.assignment.Partition(), max(end-c.copied.Next, 0), c.copied.High)
	return nil
}

// take splits one record.
func (c *copier) take(r *kafka.Record) {
	c.headers = c.headers[:0]
	for _, h := range r.Headers {
		c.headers = append(c.headers, ingest.Header(h))
	}
	at := ingest.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	// All of it is decoded, so that what can't be is a dead letter here, and event time is
	// what a windower of this topic would take it for.
	batch, err := c.decoder.Decode(ingest.Spans, at, r.Time, c.headers, r.Value)
	c.parts = c.parts[:0]
	if err == nil && len(r.Value) > 0 {
		if c.parts, err = c.splitter.Split(r.Value, c.copied.Targets, c.MaxMessageBytes-partOverhead, c.parts); err != nil {
			err = &ingest.Error{Position: at, Class: ingest.ReasonTooLarge, Err: err}
			c.parts = c.parts[:0]
		}
	}
	if err != nil {
		c.dead.add(r, err)
		batch = &ingest.Batch{Position: at, Time: r.Time}
	}
	c.copied.Take(batch)
	for i := range c.parts {
		c.out = append(c.out, c.record(r, &c.parts[i]))
	}
}

// record is a part of r as it is written.
func (c *copier) record(r *kafka.Record, p *otlp.Part) kafka.Record {
	at := int64(ingest.NoTime)
	if r.Time > 0 {
		at = r.Time
	}
	out := kafka.Record{
		Topic: c.to, Partition: p.Partition, Value: p.Value,
		Headers: c.source(r.Offset, int64(p.Index), at),
	}
	if p.Trace != nil {
		out.Key = hex.AppendEncode(nil, p.Trace)
	}
	c.spans += p.Spans
	c.bytes += len(p.Value)
	c.said(p.Partition, c.copied.High, c.Now())
	return out
}

// source is the header that says where a record comes from and of what time it is, and how far its partition is.
func (c *copier) source(offset, index, at int64) []kafka.Header {
	return []kafka.Header{{Key: ingest.HeaderSource, Value: ingest.AppendSource(nil, ingest.Source{
		Partition: c.assignment.Partition(), Partitions: c.assignment.Partitions(), Offset: offset, Index: index, High: c.copied.High, Time: at,
	})}}
}

// write writes what was read and told, and waits for it. Heartbeats come after the parts
// that they speak of, as records of a partition keep their order.
func (c *copier) write(ctx context.Context) error {
	heartbeats := 0
	for i := range c.out {
		if c.out[i].Value == nil {
			heartbeats++
		}
	}
	if err := c.producer.Write(ctx, c.out); err != nil {
		return fmt.Errorf("write re-keyed spans of %s/%d: %w", c.from, c.assignment.Partition(), err)
	}
	c.written = c.copied
	c.Metrics.rekey.copied(c.from, c.assignment.Partition(), c.records, len(c.out)-heartbeats, heartbeats, c.spans, c.bytes)
	c.out, c.records, c.spans, c.bytes = c.out[:0], 0, 0, 0
	return nil
}

// chores are what is due now and then: counting the partitions of the re-keyed topic,
// committing.
func (c *copier) chores(ctx context.Context) error {
	if err := c.count(ctx); err != nil {
		return err
	}
	now := c.Now()
	// An idle partition's event time is in the log that it is told to: its commit can wait.
	since := now.Sub(c.storedAt)
	if since < c.CommitInterval || c.written.Next == c.stored.Offset && since < retellEvery {
		return nil
	}
	c.storedAt = now
	err := c.store(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		c.complaints.warn("commit", "the brokers did not take a commit in time; it is tried again", "error", err)
		return nil
	}
	return err
}

// drain commits what is written. What fails here is written again by whoever gets the
// partition.
func (c *copier) drain(ctx context.Context) {
	if err := c.store(ctx); err != nil && !errors.Is(err, kafka.ErrStale) {
		c.complaints.warn("drain", "the last commit failed", "error", err)
	}
}
