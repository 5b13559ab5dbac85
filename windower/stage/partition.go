package stage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"presage/ingest"
	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

const (
	// tellEvery is how often a watermark alone is written at most.
	tellEvery = time.Second
	// retellEvery is how often the watermark is written again though it is the same,
	// so that an assembler needs to read back no further.
	retellEvery = 10 * time.Second
	// AdvanceMessage is logged at debug level for every advance of an idle partition, with its topic, partition, offset and
	// the event time that it went on to, and again by every process that takes the partition over.
	AdvanceMessage = "event time advanced"
	// AfreshMessage is logged, with topic and partition, where a partition's commit can't be read: the advances that it named are
	// made no more.
	AfreshMessage = "the partition is read from its beginning: its commit can't be used"
	// gateWait is how long a partition waits for slower ones between its chores.
	gateWait = 250 * time.Millisecond
)

// worker drives one partition's machine. It is for one goroutine.
type worker struct {
	*partitionStage
	assignment kafka.Assignment
	signal     ingest.Signal
	decoder    *ingest.Decoder
	machine    *windower.Partition
	publisher  *publisher
	member     *member
	complaints *complaints
	dead       *deadLetters
	eye        eye
	keying     *keying         // nil for metrics, and for re-keyed spans
	rekeyed    bool            // the topic is one that RunRekey writes
	headers    []ingest.Header // reused
	spans      int             // applied and not yet counted
	samples    int

	stored   windower.Commit // what was committed last
	storedAt time.Time
	told     int64 // watermark written last
	toldAt   time.Time
	silence  silence
}

// restore makes a worker from the group's last commit.
func (s *partitionStage) restore(writes context.Context, a kafka.Assignment) (*worker, error) {
	signal := s.Graph.signal(a.Topic())
	lateness := s.Graph.Lateness
	if signal == ingest.Metrics {
		lateness = s.Graph.MetricsLateness
	}
	cfg := windower.PartitionConfig{
		Graph:             s.Graph.Name,
		Fingerprint:       s.Graph.Fingerprint,
		Width:             s.Graph.Width.Nanoseconds(),
		Lateness:          lateness.Nanoseconds(),
		TombstoneTTL:      s.Graph.TombstoneTTL.Nanoseconds(),
		Source:            slice.Source{Topic: a.Topic(), Partition: a.Partition()},
		Partitions:        a.Partitions(),
		MaxHalvesPerSlice: s.Graph.MaxHalves,
		DedupeSpans:       s.Graph.DedupeSpans,
		MaxSpansPerSlice:  s.Graph.MaxHalves,
		Rekeyed:           s.Graph.Rekeyed && signal == ingest.Spans,
	}
	w := &worker{
		partitionStage: s, assignment: a, signal: signal,
		decoder:    ingest.NewDecoder(s.Ingest),
		complaints: newComplaints(s.Log.With("graph", s.Graph.Name, "topic", a.Topic(), "partition", a.Partition()), s.Now),
		keying:     s.keyings[a.Topic()],
		rekeyed:    cfg.Rekeyed,
		told:       math.MinInt64,
	}
	w.dead = newDeadLetters(&s.Options, s.producer, s.deadPartitions, signal, w.complaints)
	a.StartAt(kafka.FirstOffset)
	if c, ok := a.Committed(); ok {
		w.stored = windower.Commit(c)
		resume, err := windower.ParseCommit(w.stored)
		if err != nil {
			w.complaints.warn("commit", AfreshMessage, "offset", c.Offset, "error", err)
		} else {
			cfg.Resume = resume
			a.StartAt(resume.Offset)
			resume.Advances(w.advanced)
		}
	}
	machine, err := windower.NewPartition(cfg)
	if err != nil {
		return nil, fmt.Errorf("restore %s/%d: %w", a.Topic(), a.Partition(), err)
	}
	w.machine = machine
	w.publisher = newPublisher(writes, s.producer)
	w.member = s.gate.join()
	w.eye = eye{Options: &s.Options, assignment: a, complaints: w.complaints, places: []place{{s.gate, w.member}}}
	if s.Graph.MaxWait <= 0 && (signal == ingest.Spans || s.Graph.MetricsWait <= 0) {
		s.gate.need(w.member) // no slice closes without it
	}
	return w, nil
}

// loop reads and applies until ctx ends or something fails.
func (w *worker) loop(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := w.publisher.failure(); err != nil {
			return fmt.Errorf("write partials: %w", err)
		}
		if w.wait(ctx) {
			if err := w.step(ctx); err != nil {
				return err
			}
		}
		if err := w.chores(ctx); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// wait holds the partition back while it leads the slowest by too much.
func (w *worker) wait(ctx context.Context) bool {
	began := w.Now()
	open := w.gate.wait(ctx, w.member, gateWait)
	if d := w.Now().Sub(began); d > time.Millisecond {
		w.Metrics.wait(w.Graph.Name, "lead", d)
	}
	return open
}

// step reads once and applies what came.
func (w *worker) step(ctx context.Context) error {
	records, end, ok, err := w.eye.fetch(ctx)
	if !ok {
		return err
	}
	bytes := 0
	for i := range records {
		bytes += len(records[i].Value)
		if err := w.apply(ctx, &records[i]); err != nil {
			return err
		}
	}
	w.Metrics.read(w.Graph.Name, w.signal, len(records), bytes)
	w.Metrics.applied(w.Graph.Name, w.signal, w.spans, w.samples)
	w.spans, w.samples = 0, 0
	if err := w.dead.write(ctx); err != nil {
		return err
	}
	atEnd := len(records) == 0 || records[len(records)-1].Offset+1 >= end
	if atEnd {
		if err := w.handle(ctx, w.machine.AtEnd()); err != nil {
			return err
		}
	}
	w.gate.move(w.member, w.machine.Watermark(), atEnd)
	w.show(end)
	return w.idle(ctx, atEnd, len(records) > 0)
}

// apply decodes one record and gives it to the machine.
func (w *worker) apply(ctx context.Context, r *kafka.Record) error {
	w.headers = w.headers[:0]
	for _, h := range r.Headers {
		w.headers = append(w.headers, ingest.Header(h))
	}
	at := ingest.Position{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	batch, err := w.decoder.Decode(w.signal, at, r.Time, w.headers, r.Value)
	again := w.machine.Replayed(r.Offset)
	if err != nil {
		if !again {
			w.dead.add(r, err)
		}
		batch = &ingest.Batch{Position: at, Time: r.Time}
	} else if !again {
		for reason, n := range batch.Lost {
			w.Metrics.lose(w.Graph.Name, w.signal, ingest.Loss(reason).String(), n)
		}
		if w.keying != nil {
			w.keying.record(at, r.Key, batch.Spans)
		}
	}
	return w.handle(ctx, w.machine.Apply(batch))
}

// handle does what a step of the machine asks for. Where it fails part of the way, the
// publisher counts what it was given last as not acknowledged, and with that all after it.
func (w *worker) handle(ctx context.Context, out windower.Output) error {
	w.spans += out.Spans
	w.samples += out.Samples
	for _, l := range out.Losses {
		w.Metrics.lose(w.Graph.Name, w.signal, string(l.Reason), l.Count)
	}
	if w.keying != nil {
		w.keying.closed(w.assignment.Partition(), out.Halves)
	}
	for _, p := range out.Partials {
		if err := w.publish(ctx, p, p.Index); err != nil {
			return err
		}
	}
	return nil
}

// publish queues a partial; index is windower.AllAcknowledged for a watermark alone.
func (w *worker) publish(ctx context.Context, p *slice.Partial, index int64) error {
	pub := publication{index: index, records: w.partialRecords(p, w.partial)}
	rows := index != windower.AllAcknowledged
	pub.acked = func() { w.Metrics.partial(w.Graph.Name, rows) }
	began := w.Now()
	err := w.publisher.add(ctx, pub)
	if d := w.Now().Sub(began); d > time.Millisecond {
		w.Metrics.wait(w.Graph.Name, "acks", d)
	}
	w.told, w.toldAt = p.Watermark, began
	return err
}

// chores are what is due now and then: telling the watermark, committing.
func (w *worker) chores(ctx context.Context) error {
	now := w.Now()
	if w.worthTelling(now) {
		if p, ok := w.machine.WatermarkOnly(); ok {
			if err := w.publish(ctx, p, windower.AllAcknowledged); err != nil {
				return err
			}
		}
	}
	if now.Sub(w.storedAt) < w.CommitInterval {
		return nil
	}
	w.storedAt = now
	return w.later(w.store(ctx, w.machine.Commit(w.publisher.unacknowledged())))
}

// later makes a commit that the brokers did not take in time no error: it is tried
// again with the next one, and until then a restart only reads more.
func (w *worker) later(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	w.complaints.warn("commit", "the brokers did not take a commit in time; it is tried again", "error", err)
	return nil
}

// worthTelling: the watermark has passed the end of a slice since it was written, or
// that was long ago. Before the first event there is nothing to tell (see idle).
func (w *worker) worthTelling(now time.Time) bool {
	mark := w.machine.Watermark()
	since := now.Sub(w.toldAt)
	if mark == math.MinInt64 || since < tellEvery && mark != math.MaxInt64 {
		return false
	}
	if since >= retellEvery || w.told == math.MinInt64 {
		return true
	}
	width := w.Graph.Width.Nanoseconds()
	return mark != w.told && (mark == math.MaxInt64 || mark/width > w.told/width)
}

func (w *worker) store(ctx context.Context, c windower.Commit) error {
	if c == w.stored {
		return nil
	}
	if err := w.assignment.Commit(ctx, kafka.Commit(c)); err != nil {
		return err
	}
	w.stored = c
	return nil
}

// idle lets the event time of a partition without records follow the wall clock. The
// advance is committed first, so that a restart makes it again.
func (w *worker) idle(ctx context.Context, atEnd, news bool) error {
	now := w.Now()
	high, started := w.machine.Highest()
	idle := w.silence.idle(now, &w.Graph, atEnd, news, high)
	switch {
	case atEnd && w.rekeyed: // who copies it has waited already
		return w.announce(ctx, now)
	case !idle:
		return nil
	case !started:
		return w.announce(ctx, now)
	}
	to, ok := w.silence.step(now, &w.Graph)
	if !ok {
		return nil
	}
	c, ok := w.machine.PlanAdvance(w.publisher.unacknowledged(), to)
	if !ok {
		return nil
	}
	for err := w.store(ctx, c); err != nil; err = w.store(ctx, c) {
		// Perhaps the brokers hold the commit, and a restart would make the advance here: no record may be applied before that is known.
		if err = w.later(err); err != nil || ctx.Err() != nil {
			return err
		}
	}
	w.silence.stepAt = now
	w.advanced(w.machine.Next(), to)
	w.Metrics.advances.WithLabelValues(w.Graph.Name).Inc()
	if err := w.handle(ctx, w.machine.Advance()); err != nil {
		return err
	}
	w.gate.move(w.member, w.machine.Watermark(), true)
	return nil
}

// advanced tells of an advance that is committed. Slices are a function of the log and of these lines where there are any.
func (w *worker) advanced(offset, to int64) {
	w.Log.Debug(AdvanceMessage, "graph", w.Graph.Name, "topic", w.assignment.Topic(), "partition", w.assignment.Partition(), "offset", offset, "to", to)
}

// announce tells the assembler of a partition that it need not wait for.
func (w *worker) announce(ctx context.Context, now time.Time) error {
	p, ok := w.machine.AnnounceEmpty()
	if !ok || now.Sub(w.toldAt) < retellEvery {
		return nil
	}
	return w.publish(ctx, p, windower.AllAcknowledged)
}

// show sets the partition's gauges.
func (w *worker) show(end int64) {
	labels := []string{w.Graph.Name, w.assignment.Topic(), strconv.Itoa(w.assignment.Partition())}
	w.Metrics.lag.WithLabelValues(labels...).Set(float64(max(end-w.machine.Next(), 0)))
	if mark := w.machine.Watermark(); mark != math.MinInt64 && mark != math.MaxInt64 {
		w.Metrics.watermark.WithLabelValues(labels...).Set(float64(mark) / 1e9)
	}
}

// drain waits for the acknowledgements under way and commits. It never closes an open
// slice. What fails here is done again by whoever gets the partition.
func (w *worker) drain(ctx, writes context.Context) error {
	if err := w.dead.write(writes); err != nil {
		_ = w.publisher.close()
		w.complaints.warn("drain", "dead letters were not acknowledged before the end", "error", err)
		return nil // a commit would pass them
	}
	if err := w.publisher.close(); err != nil {
		w.complaints.warn("drain", "partials were not acknowledged before the end", "error", err)
	}
	err := w.store(ctx, w.machine.Commit(w.publisher.unacknowledged()))
	if err != nil && !errors.Is(err, kafka.ErrStale) {
		w.complaints.warn("drain", "the last commit failed", "error", err)
	}
	return nil
}

// lingering is a context for writes, which go on for drainTimeout after ctx has ended, so that what was read need not be read
// again, nor what was begun be written again. end ends it at once.
func lingering(ctx context.Context) (writes context.Context, end func()) {
	writes, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(drainTimeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-writes.Done():
		}
	})
	return writes, func() { stop(); cancel() }
}
