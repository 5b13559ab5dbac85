package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"presage/ingest/otlp"
)

// Run replays a recording: it writes the spans of each trace as OTLP records keyed by
// trace id, metrics as OTLP records without a key, and watermark records to every
// partition. It returns when the recording ends, a limit is reached, or ctx is done; then with the
// cause of ctx. The report is valid with an error too.
func Run(ctx context.Context, opts Options, open Opener, producer Producer) (Report, error) {
	if opts.SpansTopic == "" {
		return Report{}, errors.New("replay: no topic for spans")
	}
	if opts.Clock == nil {
		opts.Clock = systemClock{}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	begun := opts.Clock.Now()
	r := &replayer{
		opts: opts, open: open, producer: producer,
		pace:      pace{clock: opts.Clock, speed: opts.Speed},
		traces:    newTraces(),
		skipped:   make(map[string]int64),
		at:        math.MinInt64,
		watermark: math.MinInt64,
	}
	r.shown = begun
	err := r.run(ctx)
	r.report.Elapsed = opts.Clock.Now().Sub(begun)
	return r.report, err
}

// replayer is a Run. All of it belongs to Run's goroutine.
type replayer struct {
	opts     Options
	open     Opener
	producer Producer
	report   Report
	skipped  map[string]int64 // of Run itself and of sources already closed

	source     Source
	rows       int64 // of sources already closed
	turn       int
	shift      int64 // of this turn
	begunShift int64 // of the first turn
	first      int64 // of the turn's items, in the recording's time; 0: none yet
	last       int64
	resumed    *state

	spans, metrics *topic
	writer         *writer
	batch          *batch
	traces         *traces
	left           int64                  // records to be passed over because they are in the topics already
	resources      []otlp.ResourceMetrics // of a record to be
	opened         int64                  // event time of the first of them

	pace      pace
	at        int64 // highest event time, as written
	watermark int64 // last watermark written
	key       [keyLength]byte

	shown      time.Time // when progress was last told
	shownSpans int64
	begunAt    time.Time
	ticks      int
}

func (r *replayer) run(ctx context.Context) (err error) {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	if r.resumed != nil && r.resumed.Done {
		r.report.Notes = append(r.report.Notes, "nothing to resume: this replay had been written to its end")
		return nil
	}
	defer func() {
		if r.source != nil {
			r.closeSource()
		}
	}()
	if err := r.rebase(ctx); err != nil {
		return err
	}
	if err := r.save(false, false); err != nil {
		return err
	}
	r.writer = startWriter(ctx, r.producer)
	defer func() {
		if failed := r.writer.close(); failed != nil && (err == nil || ctx.Err() == nil) {
			err = fmt.Errorf("writing the replay: %w", failed)
		}
		r.finish()
		// After a failed write nobody knows what reached the topics: they tell themselves.
		if saved := r.save(r.writer.err == nil, err == nil); err == nil {
			err = saved
		}
	}()
	if r.batch, err = r.writer.next(ctx); err != nil {
		return err
	}
	if err := r.turns(ctx); err != nil {
		return err
	}
	return r.end(ctx)
}

// prepare looks at the topics and the state.
func (r *replayer) prepare(ctx context.Context) (err error) {
	if r.opts.Resume {
		if r.opts.StateFile == "" {
			return errors.New("resuming needs the state file of the replay to be resumed")
		}
		if r.resumed, err = loadState(r.opts.StateFile); err != nil {
			return err
		}
		if id := r.identity(); r.resumed.Identity != id {
			return fmt.Errorf("the replay to be resumed was another one: it was %q, this is %q; give the same options or start anew", r.resumed.Identity, id)
		}
	}
	if r.spans, err = openTopic(ctx, r.producer, r.opts.SpansTopic, r.resumed, r.opts.Append); err != nil {
		return err
	}
	r.left = r.spans.left()
	if r.opts.MetricsTopic == "" {
		return nil
	}
	if r.opts.MetricsTopic == r.opts.SpansTopic {
		return fmt.Errorf("spans and metrics need topics of their own: both are to go to %s", r.opts.SpansTopic)
	}
	if r.metrics, err = openTopic(ctx, r.producer, r.opts.MetricsTopic, r.resumed, r.opts.Append); err != nil {
		return err
	}
	r.left += r.metrics.left()
	return nil
}

// identity is what a resumed replay must have in common with its start.
func (r *replayer) identity() string {
	return fmt.Sprintf("%s from=%s to=%s limit=%d loop=%t rebase=%t", r.opts.Identity, r.opts.From, r.opts.To, r.opts.Limit, r.opts.Loop, r.opts.Rebase)
}

// turns replays the recording once, or over and over.
func (r *replayer) turns(ctx context.Context) error {
	base := r.shift
	for {
		if err := r.openSource(ctx); err != nil {
			return err
		}
		more, err := r.replay(ctx)
		if err != nil {
			return err
		}
		r.closeSource()
		if !more || !r.opts.Loop {
			return nil
		}
		if r.first == 0 {
			return errors.New("the recording holds no items in the range asked for: there is nothing to loop over")
		}
		r.report.Turns++
		r.turn++
		// Whole seconds keep items at the same place within a slice's second.
		length := r.last - r.first
		length += int64(time.Second) - length%int64(time.Second)
		base += length
		r.shift = base
	}
}

func (r *replayer) openSource(ctx context.Context) (err error) {
	if r.source == nil {
		r.source, err = r.open(ctx)
	}
	return err
}

// replay replays one turn; more is false when the limit ended it.
func (r *replayer) replay(ctx context.Context) (more bool, err error) {
	if r.begunAt.IsZero() {
		r.begunAt = r.opts.Clock.Now()
	}
	window := newWindow(r.opts)
	for n := 0; ; n++ {
		// Passing over what was replayed before touches neither the writer nor the clock.
		if n%tickItems == 0 && ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		it, err := r.source.Next(ctx)
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		switch window.place(it.At, r.source) {
		case before:
			r.skipped[beforeFrom]++
			continue
		case behind:
			return true, nil
		}
		if r.first == 0 {
			r.first = it.At
			if r.turn == 0 {
				if err := r.pace.check(it.At + r.shift); err != nil {
					return false, err
				}
			}
		}
		r.last = max(r.last, it.At)
		if it.Metrics != nil && r.metrics == nil {
			r.skipped[noMetricsTopic]++
			continue
		}
		if err := r.item(ctx, it); err != nil {
			return false, err
		}
		if r.opts.Limit > 0 && r.report.Spans >= r.opts.Limit {
			return false, nil
		}
	}
}

// item takes one item: what is due before it is written first.
func (r *replayer) item(ctx context.Context, it Item) error {
	r.move(&it)
	if err := r.advance(ctx, it.At); err != nil {
		return err
	}
	r.tick()
	if it.Span != nil {
		r.report.Spans++
		if due := r.traces.add(r.at, it.Span); due != nil {
			return r.writeTrace(ctx, due)
		}
		return nil
	}
	return r.addMetrics(ctx, it.Metrics)
}

// end writes what waits, and the final watermark.
func (r *replayer) end(ctx context.Context) error {
	if err := r.flush(ctx, math.MaxInt64); err != nil {
		return err
	}
	if r.at > math.MinInt64 && !r.opts.Loop {
		if err := r.writeWatermark(ctx, r.at, true); err != nil {
			return err
		}
	}
	return r.handOver(ctx)
}

// finish completes the report.
func (r *replayer) finish() {
	r.report.Records, r.report.Bytes = r.writer.records.Load(), r.writer.bytes.Load()
	if r.source != nil {
		r.closeSource()
	}
	r.report.Skipped = r.skipped
	for _, t := range []*topic{r.spans, r.metrics} {
		if t != nil {
			for _, n := range t.skipped {
				r.report.Resumed += n
			}
		}
	}
	if r.at > math.MinInt64 {
		r.report.Last = time.Unix(0, r.at).UTC()
	}
}
