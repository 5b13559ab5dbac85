package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// LastOffset stands for the partition's end at the time of the first fetch.
const LastOffset = -1

// Policy says what to do when the offset to read is not in the partition.
type Policy int

// The policies for records that retention has removed. Whatever happens is counted and
// reported (FetchConfig.OnOutOfRange). An offset beyond the partition's end is always
// an *OutOfRangeError: what is there now is not what was read before.
const (
	Earliest Policy = iota // go on with the oldest record that there is
	Latest                 // go on with the next record that comes
	Stop                   // Fetch fails with an *OutOfRangeError
)

// OutOfRange says what was missed where an offset was not in the partition: it was
// trimmed by retention (Offset < First), or the topic was made anew (Offset > End).
type OutOfRange struct {
	Topic      string
	Partition  int
	Offset     int64 // asked for
	First, End int64 // held by the partition
	Resumed    int64 // where reading goes on
	Lost       int64 // records skipped
}

// OutOfRangeError is what Fetch fails with under the policy Stop, or where the offset
// is beyond the end.
type OutOfRangeError struct{ OutOfRange }

func (e *OutOfRangeError) Error() string {
	what := "retention has removed it before it was read; give the topic more retention, or set the graph's on_lost_offset to earliest or latest"
	if e.Offset > e.End {
		what = "the topic was made anew or lost its end; reset the group's offsets or use another group"
	}
	return fmt.Sprintf("offset %d of topic %s partition %d is out of range, expected %d to %d: %s",
		e.Offset, e.Topic, e.Partition, e.First, e.End, what)
}

// FetchConfig says how a partition is read. The zero value is usable.
type FetchConfig struct {
	MinBytes int           // gather at least this much before answering; 0 means 1
	MaxBytes int           // of one answer; a larger record comes alone; 0 means 1 MiB
	MaxWait  time.Duration // how long the broker waits for MinBytes; 0 means 250 ms
	// OutOfRange is the policy for offsets that the partition does not hold.
	OutOfRange   Policy
	OnOutOfRange func(OutOfRange)
	// Patience is after how long of failing Fetch returns with ErrUnread, so that the caller can do
	// something else before it calls again; 0 means never.
	Patience time.Duration
}

// ErrUnread says that a partition can't be read for now. The next Fetch goes on trying.
var ErrUnread = errors.New("the partition can't be read for now")

func (f FetchConfig) withDefaults() FetchConfig {
	if f.MinBytes <= 0 {
		f.MinBytes = 1
	}
	if f.MaxBytes <= 0 {
		f.MaxBytes = 1 << 20
	}
	if f.MaxWait <= 0 {
		f.MaxWait = 250 * time.Millisecond
	}
	return f
}

// Reader reads one partition without a group. It is for one goroutine.
type Reader struct {
	client    *Client
	topic     string
	partition int
	next      int64 // offset of the next record, or FirstOffset, LastOffset
	cfg       FetchConfig
	batch     batch
	retry     retrier
	narrow    bool  // ask for one batch only: what came last had no record to give
	tracked   bool  // whoever made it releases it at the end
	held      int64 // bytes of the records that the caller has, where tracked
}

// Read makes a reader that starts at offset, which may be FirstOffset or LastOffset.
// It holds no resources.
func (c *Client) Read(topic string, partition int, offset int64, cfg FetchConfig) *Reader {
	return &Reader{
		client: c, topic: topic, partition: partition, next: offset, cfg: cfg.withDefaults(),
		retry: retrier{client: c, request: at(opFetch, topic, partition)},
	}
}

// Next is the offset of the next record that Fetch gives, if there is one.
func (r *Reader) Next() int64 { return r.next }

// Fetch returns the next records, at least one, or none after MaxWait; end is the
// partition's high-water mark. The records and what they point to are the caller's
// until the next Fetch. What may pass is retried until ctx ends, or Patience does.
func (r *Reader) Fetch(ctx context.Context) (records []Record, end int64, err error) {
	r.release()
	for {
		records, end, again, err := r.try(ctx)
		var out *OutOfRangeError
		switch {
		case err == nil && !again:
			r.retry.reset()
			return records, end, nil
		case err == nil:
			r.retry.reset()
		case errors.As(err, &out):
			return nil, 0, err
		default:
			if err := r.retry.pause(ctx, err); err != nil {
				return nil, 0, err
			}
			if r.cfg.Patience > 0 && time.Since(r.retry.since) >= r.cfg.Patience {
				return nil, 0, fmt.Errorf("topic %s partition %d: %w: %w", r.topic, r.partition, ErrUnread, err)
			}
		}
		if ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
	}
}

// try makes one request; again means that it gained no record but another will.
func (r *Reader) try(ctx context.Context) (records []Record, end int64, again bool, err error) {
	if r.next < 0 {
		if err := r.resolve(ctx); err != nil {
			return nil, 0, false, err
		}
	}
	maxBytes := r.cfg.MaxBytes
	if r.narrow {
		maxBytes = 1
	}
	res, err := r.client.api.Fetch(ctx, &kafkago.FetchRequest{
		Topic: r.topic, Partition: r.partition, Offset: r.next,
		MinBytes: int64(r.cfg.MinBytes), MaxBytes: int64(maxBytes), MaxWait: r.cfg.MaxWait,
	})
	if err != nil {
		return nil, 0, false, err
	}
	if errors.Is(res.Error, kafkago.OffsetOutOfRange) {
		return nil, 0, true, r.outOfRange(ctx)
	}
	if res.Error != nil {
		return nil, 0, false, res.Error
	}
	records, next, err := r.batch.read(r, res.Records)
	if err != nil {
		return nil, 0, false, err
	}
	r.narrow = len(records) == 0 && next > r.next
	again = r.narrow && next < res.HighWatermark
	r.next = max(next, r.next)
	r.count(records)
	return records, res.HighWatermark, again, nil
}

func (r *Reader) count(records []Record) {
	var bytes int64
	for i := range records {
		bytes += int64(len(records[i].Key) + len(records[i].Value))
	}
	r.client.stats.recordsRead.Add(int64(len(records)))
	r.client.stats.bytesRead.Add(bytes)
	if r.tracked {
		r.held = bytes
		r.client.stats.unapplied.Add(bytes)
	}
}

// release counts the records of the last Fetch as applied.
func (r *Reader) release() {
	r.client.stats.unapplied.Add(-r.held)
	r.held = 0
}

// resolve turns FirstOffset and LastOffset into offsets, once, so that waiting at
// the end of a partition can't slide past what comes.
func (r *Reader) resolve(ctx context.Context) error {
	held, err := r.client.rangesOnce(ctx, r.topic, r.partition)
	if err != nil {
		return err
	}
	if r.next == LastOffset {
		r.next = held[0].End
	} else {
		r.next = held[0].First
	}
	return nil
}

func (r *Reader) outOfRange(ctx context.Context) error {
	held, err := r.client.rangesOnce(ctx, r.topic, r.partition)
	if err != nil {
		return err
	}
	o := OutOfRange{
		Topic: r.topic, Partition: r.partition, Offset: r.next,
		First: held[0].First, End: held[0].End, Resumed: r.next,
	}
	if r.next >= o.First && r.next <= o.End {
		return nil // the partition moved meanwhile: ask again
	}
	stop := r.cfg.OutOfRange == Stop || o.Offset > o.End
	if !stop {
		o.Resumed = o.First
		if r.cfg.OutOfRange == Latest {
			o.Resumed = o.End
		}
		o.Lost = o.Resumed - o.Offset
		r.client.stats.lose(o.Topic, o.Partition, o.Lost)
	}
	message := "kafka offset out of range"
	if o.Lost > 0 {
		message = "records are lost: retention removed them before they were read"
	}
	r.client.log.Warn(message, "topic", o.Topic, "partition", o.Partition, "offset", o.Offset,
		"first", o.First, "end", o.End, "resumed", o.Resumed, "lost", o.Lost)
	if r.cfg.OnOutOfRange != nil {
		r.cfg.OnOutOfRange(o)
	}
	if stop {
		r.client.stats.fail(opFetch)
		return &OutOfRangeError{o}
	}
	r.next = o.Resumed
	return nil
}
