package stage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"presage/internal/kafka"
	"presage/windower"
	"presage/windower/slice"
)

// RunAssembler joins a graph's partials to snapshots until ctx ends, which is no
// error. Of several processes that run it for one graph one works and the others stand
// by.
func RunAssembler(ctx context.Context, o Options) error {
	o, err := o.withDefaults()
	if err != nil {
		return err
	}
	counts, err := o.Client.Partitions(ctx, o.Topics.Partials, o.Topics.Slices)
	if err != nil {
		return fmt.Errorf("graph %s: %w", o.Graph.Name, err)
	}
	s := &assemblerStage{
		Options:  o,
		producer: kafka.NewProducer(o.Client, kafka.ProducerConfig{MaxMessageBytes: o.MaxMessageBytes}), // chunks are zstd by themselves
		partial:  kafka.Partition([]byte(o.Graph.Name), counts[0]),
		slices:   kafka.Partition([]byte(o.Graph.Name), counts[1]),
	}
	return o.Client.RunGroup(ctx, kafka.GroupConfig{
		ID:             AssemblerGroup(o.Graph.Name),
		Topics:         []string{o.Topics.Partials},
		SessionTimeout: o.SessionTimeout,
		Fetch: kafka.FetchConfig{
			MaxWait: fetchWait, OutOfRange: kafka.Earliest,
			OnOutOfRange: func(o kafka.OutOfRange) { s.torn = o.Resumed >= 0 && o.Lost > 0 },
		},
	}, s.run)
}

// maxReady is how many snapshots are encoded and written at once.
const maxReady = 16

// assemblerStage is what the generations of an assembler share.
type assemblerStage struct {
	Options
	producer *kafka.Producer
	partial  int // the graph's partition of the partials topic
	slices   int // the graph's partition of the slices topic
	// torn says that the last Fetch skipped partials that retention had removed. Only
	// one goroutine fetches: the one that has the graph's partition.
	torn bool
}

// joiner drives the machine of one graph. It is for one goroutine.
type joiner struct {
	*assemblerStage
	assignment kafka.Assignment
	machine    *windower.Assembler
	complaints *complaints
	waiting    map[int64]*waiting // by slice
	ready      []*slice.Snapshot  // to be written
	stored     int64              // offset committed last
	storedAt   time.Time
	newest     int64 // newest slice that was written, math.MinInt64 if none
	gap        *gap  // nil where no partials are missing
	ended      bool  // OnEnd was called
}

// waiting is since when a slice has been held up. Time counts only while the partials
// are read to their end: what is there already is no reason to give up.
type waiting struct {
	since    time.Time // for anything
	sinceFew time.Time // for metrics alone; zero while spans are missing too
}

func (s *assemblerStage) run(ctx context.Context, a kafka.Assignment) error {
	if a.Partition() != s.partial {
		return nil // of other graphs
	}
	j, err := s.restore(ctx, a)
	if err != nil {
		return err
	}
	// A write that has begun goes on for a moment after ctx has ended: cut off, it may be in the topic all the same,
	// uncounted, and is made again by whoever comes next.
	writes, end := lingering(ctx)
	defer end()
	for ctx.Err() == nil && err == nil {
		err = j.step(ctx, writes)
	}
	if ctx.Err() == nil {
		return err
	}
	if len(j.ready) > 0 {
		return nil // whoever comes next makes them again
	}
	return j.commit(ctx)
}

// begin makes a machine that goes on after the snapshots in the slices topic.
func (s *assemblerStage) begin(ctx context.Context) (*joiner, error) {
	cfg := windower.AssemblerConfig{
		Graph:        s.Graph.Name,
		Fingerprint:  s.Graph.Fingerprint,
		Width:        s.Graph.Width.Nanoseconds(),
		SpanTopics:   s.Graph.SpanTopics,
		MetricTopics: s.Graph.MetricTopics,
		NodeSource:   s.Graph.NodeSource,
		MaxServices:  s.Graph.MaxServices,
		MaxEdges:     s.Graph.MaxEdges,
		MemorySlices: max(int64(time.Hour/s.Graph.Width), 1),
		LateSlices:   windower.DefaultLateSlices,
	}
	machine, err := windower.NewAssembler(cfg)
	if err != nil {
		return nil, err
	}
	tail, err := readTail(ctx, s.Client, s.Topics.Slices, s.slices, s.Graph.Name, cfg.MemorySlices+int64(cfg.LateSlices))
	if err != nil {
		return nil, fmt.Errorf("restore the assembler of graph %s: %w", s.Graph.Name, err)
	}
	for _, snapshot := range tail {
		if snapshot.Fingerprint != cfg.Fingerprint || snapshot.Width != cfg.Width {
			return nil, fmt.Errorf("topic %s holds slices of graph %s that were made with another configuration (fingerprint %016x, now %016x): give the graph a new name, or restore its slice width, lateness and naming rules",
				s.Topics.Slices, s.Graph.Name, snapshot.Fingerprint, cfg.Fingerprint)
		}
	}
	machine.Restore(tail)
	j := &joiner{
		assemblerStage: s, machine: machine, waiting: map[int64]*waiting{},
		complaints: newComplaints(s.Log.With("graph", s.Graph.Name), s.Now),
		stored:     -1,
		newest:     math.MinInt64,
	}
	for _, snapshot := range tail {
		j.newest = max(j.newest, snapshot.Index)
	}
	s.Log.Info("assembler begins", "graph", s.Graph.Name, "snapshots_read_back", len(tail))
	return j, nil
}

// restore makes a joiner from the slices topic and the group's last commit.
func (s *assemblerStage) restore(ctx context.Context, a kafka.Assignment) (*joiner, error) {
	j, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	j.assignment = a
	if c, ok := a.Committed(); ok {
		j.stored = c.Offset
		a.StartAt(c.Offset)
		return j, nil
	}
	ends, err := s.Client.Ends(ctx, s.Topics.Partials)
	if err != nil {
		return nil, fmt.Errorf("restore the assembler of graph %s: %w", s.Graph.Name, err)
	}
	first := ends[s.partial].First
	a.StartAt(first)
	if first > 0 { // retention has removed partials, perhaps of this graph
		j.leaveOut()
	}
	return j, nil
}

// step reads partials once, and writes the snapshots that they complete.
func (j *joiner) step(ctx, writes context.Context) error {
	records, end, err := j.assignment.Fetch(ctx)
	if err != nil {
		return err
	}
	if j.torn {
		if err := j.tear(ctx); err != nil {
			return err
		}
	}
	for i := range records {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := j.add(writes, &records[i]); err != nil {
			return err
		}
	}
	if len(records) == 0 || records[len(records)-1].Offset+1 >= end {
		j.expire()
	}
	if err := j.write(writes); err != nil {
		return err
	}
	j.Metrics.pending.WithLabelValues(j.Graph.Name).Set(float64(len(j.waiting)))
	if j.OnEnd != nil && !j.ended && j.machine.Ended() {
		j.ended = true
		if err := j.OnEnd(ctx); err != nil {
			return fmt.Errorf("at the recording's end: %w", err)
		}
	}
	if j.Now().Sub(j.storedAt) < j.CommitInterval {
		return nil
	}
	return j.commit(ctx)
}

// tear begins anew after partials were lost: the shares that the machine holds may miss
// their counterparts.
func (j *joiner) tear(ctx context.Context) error {
	j.torn = false
	fresh, err := j.begin(ctx)
	if err != nil {
		return err
	}
	j.machine, j.newest, j.waiting = fresh.machine, fresh.newest, fresh.waiting
	j.leaveOut()
	return nil
}

// leaveOut leaves out slices that may lack partials.
func (j *joiner) leaveOut() {
	j.gap = newGap(j.Graph.Width.Nanoseconds(), j.Graph.SpanTopics, j.newest)
	j.complaints.warn(string(reasonGap), "partials were removed before they were read: slices are left out until all partitions have passed the gap; give the topic more retention",
		"topic", j.Topics.Partials, "newest_slice", j.newest)
}

// add gives one chunk to the machine.
func (j *joiner) add(writes context.Context, r *kafka.Record) error {
	p, chunk, chunks, err := slice.DecodePartial(r.Value)
	if err != nil {
		reason := "corrupt"
		if errors.Is(err, slice.ErrVersion) {
			reason = "version"
		}
		j.lose([]windower.Loss{{Reason: windower.Reason(reason), Count: 1}})
		j.complaints.warn(reason, "a partial can't be decoded and is left out", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "error", err)
		return nil
	}
	if j.gap != nil && p.Graph == j.Graph.Name && p.Fingerprint == j.Graph.Fingerprint {
		if j.gap.skip(p) && !p.Empty() {
			j.lose([]windower.Loss{{Reason: reasonGap, Count: 1}})
			p, chunk, chunks = &slice.Partial{Header: p.Header}, 0, 1 // its watermark counts
		}
	}
	j.take(j.machine.Add(r.Offset, p, chunk, chunks))
	if len(j.ready) < maxReady {
		return nil
	}
	return j.write(writes)
}

// take notes what a step of the machine led to.
func (j *joiner) take(out windower.Assembled) {
	j.lose(out.Losses)
	j.ready = append(j.ready, out.Snapshots...)
}

// lose counts what the machine left out, and says so where it is not the other graphs'.
func (j *joiner) lose(losses []windower.Loss) {
	kept := losses[:0]
	for _, l := range losses {
		if l.Reason == windower.ReasonForeign {
			continue // the partition is shared with other graphs
		}
		kept = append(kept, l)
		if l.Reason == windower.ReasonFingerprint {
			j.complaints.warn(string(l.Reason), "partials of another configuration of the graph are refused: another process runs with it")
		}
	}
	j.Metrics.partialLoss(j.Graph.Name, kept)
}

// write writes the snapshots that are ready and waits until they are acknowledged.
func (j *joiner) write(ctx context.Context) error {
	for len(j.ready) > 0 {
		n := min(len(j.ready), maxReady)
		var records []kafka.Record
		for _, s := range j.ready[:n] {
			chunks, err := j.snapshotRecords(s, j.slices)
			if err != nil {
				return fmt.Errorf("BUG: %w", err)
			}
			records = append(records, chunks...)
		}
		if err := j.producer.Write(ctx, records); err != nil {
			return fmt.Errorf("write slices: %w", err)
		}
		for _, s := range j.ready[:n] {
			j.Metrics.snapshot(j.Graph.Name, s.Revision, s.Complete)
		}
		j.ready = j.ready[n:]
	}
	j.ready = nil
	return nil
}

// expire gives up waiting where it took too long.
func (j *joiner) expire() {
	now := j.Now()
	pending := map[int64]bool{}
	expired, waived := int64(0), int64(0)
	var expire, waive bool
	for _, p := range j.machine.Pending() {
		pending[p.Index] = true
		w := j.waiting[p.Index]
		if w == nil {
			w = &waiting{since: now}
			j.waiting[p.Index] = w
		}
		if !p.MetricsOnly {
			w.sinceFew = time.Time{}
		} else if w.sinceFew.IsZero() {
			w.sinceFew = now
		}
		if j.Graph.MaxWait > 0 && now.Sub(w.since) >= j.Graph.MaxWait {
			expired, expire = p.Index, true
		}
		if j.Graph.MetricsWait > 0 && p.MetricsOnly && now.Sub(w.sinceFew) >= j.Graph.MetricsWait {
			waived, waive = p.Index, true
		}
	}
	for k := range j.waiting {
		if !pending[k] {
			delete(j.waiting, k)
		}
	}
	if waive {
		j.take(j.machine.WaiveMetrics(waived))
	}
	if expire {
		j.complaints.warn("max_wait", "a slice is closed without all its partitions", "slice", expired, "waited", j.Graph.MaxWait)
		j.take(j.machine.Expire(expired))
	}
}

// commit stores from where partials must be read again. Nothing must be ready: all
// snapshots that the machine has returned are acknowledged then.
func (j *joiner) commit(ctx context.Context) error {
	j.storedAt = j.Now()
	safe := j.machine.SafeOffset()
	if safe <= j.stored || j.gap != nil && !j.gap.passed() {
		return nil // a restart within a gap must meet it again
	}
	err := j.assignment.Commit(ctx, kafka.Commit{Offset: safe})
	if errors.Is(err, context.DeadlineExceeded) {
		j.complaints.warn("commit", "the brokers did not take a commit in time; it is tried again", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	j.stored = safe
	return nil
}
