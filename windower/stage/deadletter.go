package stage

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"presage/ingest"
	"presage/internal/kafka"
)

// The headers of dead letters; the record's own headers follow them.
const (
	HeaderReason    = "presage-reason"    // the class of the error
	HeaderError     = "presage-error"     // the error's text
	HeaderGraph     = "presage-graph"     //
	HeaderTopic     = "presage-topic"     // where the record lay
	HeaderPartition = "presage-partition" //
	HeaderOffset    = "presage-offset"    //
	HeaderTime      = "presage-time-ms"   // the record's timestamp
	HeaderCut       = "presage-cut-bytes" // how many bytes of the value did not fit
)

// Of what the dead-letter topic takes as one batch, deadOverhead is left to the batch, to the headers and the key.
// Collectors send at most 1 000 000 bytes, so values are whole but for writers that brokers let exceed it, and for topics
// that take less.
const deadOverhead = kafka.DefaultMaxMessageBytes - kafka.MaxRecordBytes + 16<<10

// deadLetter makes the record that tells of one that could not be decoded. It shares
// memory with r.
func (o *Options) deadLetter(partitions int, r *kafka.Record, cause error) kafka.Record {
	text := cause.Error()
	graph, topic := o.Graph.Name, o.Topics.DeadLetter
	most := o.MaxMessageBytes - deadOverhead
	d := kafka.Record{
		Topic: topic, Partition: r.Partition % partitions, Key: r.Key, Value: r.Value,
		Headers: []kafka.Header{
			{Key: HeaderReason, Value: []byte(ingest.Reason(cause))},
			{Key: HeaderError, Value: []byte(text[:min(len(text), 1024)])},
			{Key: HeaderGraph, Value: []byte(graph)},
			{Key: HeaderTopic, Value: []byte(r.Topic)},
			{Key: HeaderPartition, Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
			{Key: HeaderOffset, Value: strconv.AppendInt(nil, r.Offset, 10)},
			{Key: HeaderTime, Value: strconv.AppendInt(nil, r.Time/1e6, 10)},
		},
	}
	if over := len(d.Value) - most; over > 0 {
		d.Value = d.Value[:most]
		d.Headers = append(d.Headers, kafka.Header{Key: HeaderCut, Value: strconv.AppendInt(nil, int64(over), 10)})
	}
	room := most + 16<<10 - len(d.Value) - len(d.Key) - 4<<10
	if room < 0 {
		d.Key, room = nil, room+len(r.Key)
	}
	for _, h := range r.Headers {
		if room -= len(h.Key) + len(h.Value) + 10; room > 0 {
			d.Headers = append(d.Headers, h)
		}
	}
	return d
}

// deadLetters gathers the records of a batch that can't be decoded.
type deadLetters struct {
	*Options
	producer   *kafka.Producer
	partitions int // of their topic
	signal     ingest.Signal
	complaints *complaints
	records    []kafka.Record
}

func newDeadLetters(o *Options, producer *kafka.Producer, partitions int, signal ingest.Signal, c *complaints) *deadLetters {
	return &deadLetters{Options: o, producer: producer, partitions: partitions, signal: signal, complaints: c}
}

// add notes a record that can't be decoded.
func (d *deadLetters) add(r *kafka.Record, cause error) {
	reason := ingest.Reason(cause)
	d.Metrics.deadLetter(d.Graph.Name, d.signal, reason)
	d.complaints.warn(reason, "a record can't be decoded and becomes a dead letter", "offset", r.Offset, "error", cause)
	d.records = append(d.records, d.deadLetter(d.partitions, r, cause))
}

// write writes the dead letters of a batch. It waits for them, as no commit may pass
// them before, and as they lie in the fetched batch's memory.
func (d *deadLetters) write(ctx context.Context) error {
	if len(d.records) == 0 {
		return nil
	}
	if err := d.producer.Write(ctx, d.records); err != nil {
		return fmt.Errorf("write dead letters: %w", err)
	}
	d.records = d.records[:0]
	return nil
}

// complaints logs one event of a kind in a while and says how many it kept back. It is
// for one goroutine.
type complaints struct {
	every  time.Duration
	log    *slog.Logger
	now    func() time.Time
	last   map[string]time.Time
	hushed map[string]int
}

func newComplaints(log *slog.Logger, now func() time.Time) *complaints {
	return &complaints{every: 10 * time.Second, log: log, now: now, last: map[string]time.Time{}, hushed: map[string]int{}}
}

func (c *complaints) warn(kind, message string, args ...any) {
	now := c.now()
	if last, ok := c.last[kind]; ok && now.Sub(last) < c.every {
		c.hushed[kind]++
		return
	}
	c.log.Warn(message, append(args, "reason", kind, "more_before", c.hushed[kind])...)
	c.last[kind], c.hushed[kind] = now, 0
}
