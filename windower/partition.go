package windower

import (
	"errors"
	"fmt"
	"slices"

	"presage/ingest"
	"presage/windower/pair"
	"presage/windower/slice"
)

// PartitionConfig says what a Partition is of. Times are nanoseconds.
type PartitionConfig struct {
	Graph       string
	Fingerprint uint64 // of what snapshots depend on; commits with another one are refused
	Width       int64  // of a slice
	Lateness    int64  // how far the watermark is behind the highest event time
	// TombstoneTTL is how long after their slice's end halves are remembered.
	TombstoneTTL int64
	Source       slice.Source
	Partitions   int // how many the source's topic has
	// MaxHalvesPerSlice bounds the span halves of one slice; what comes beyond is
	// counted in its node's columns but makes no call. 0 means DefaultMaxHalves.
	MaxHalvesPerSlice int
	// MaxRowsPerSlice bounds the services, the edges, the resource keys and the
	// resources of one slice, each; 0 means DefaultMaxRows.
	MaxRowsPerSlice int
	// DedupeSpans leaves out a span whose trace id, span id and kind are remembered:
	// as long as halves are, from any earlier record of the log.
	DedupeSpans bool
	// MaxSpansPerSlice bounds the spans of one slice that are remembered so; what
	// comes beyond is counted, and so is a duplicate of it. 0 means DefaultMaxSpans.
	MaxSpansPerSlice int
	// Rekeyed says that the log was copied from another topic, and that its records tell how
	// far that topic's partitions are: these decide its event time, not its own spans.
	Rekeyed bool
	// SourceLead is how far one of those may be behind the most advanced one and still be
	// waited for; 0 means DefaultSourceLead. It decides what is in the slices.
	SourceLead int64
	// Resume is where to go on; nil means from the beginning of the log.
	Resume *Resume
}

// The bounds of a slice in one partition: halves and remembered spans take some
// hundred megabytes at most, rows much less.
const (
	DefaultMaxHalves = 1 << 20
	DefaultMaxRows   = 1 << 17
	DefaultMaxSpans  = 1 << 20
)

func (c *PartitionConfig) check() error {
	switch {
	case c.Width <= 0 || c.Width > longest:
		return fmt.Errorf("slice width %d ns: expected more than 0 and at most %d", c.Width, int64(longest))
	case c.Lateness < 0 || c.Lateness > longest:
		return fmt.Errorf("lateness %d ns: expected 0 to %d", c.Lateness, int64(longest))
	case c.TombstoneTTL < 0 || c.TombstoneTTL > longest:
		return fmt.Errorf("tombstone ttl %d ns: expected 0 to %d", c.TombstoneTTL, int64(longest))
	case c.MaxHalvesPerSlice < 0 || c.MaxRowsPerSlice < 0 || c.MaxSpansPerSlice < 0:
		return fmt.Errorf("max halves %d, max rows %d and max spans %d per slice: expected 0 or more", c.MaxHalvesPerSlice, c.MaxRowsPerSlice, c.MaxSpansPerSlice)
	case c.SourceLead < 0 || c.SourceLead > longest:
		return fmt.Errorf("source lead %d ns: expected 0 to %d", c.SourceLead, int64(longest))
	case c.Resume != nil && c.Resume.rekeyed != c.Rekeyed:
		return fmt.Errorf("%w: it was re-keyed (%v), and is now (%v)", ErrFingerprint, c.Resume.rekeyed, c.Rekeyed)
	case c.Resume != nil && c.Resume.fingerprint != c.Fingerprint:
		return fmt.Errorf("%w: committed %016x, configured %016x", ErrFingerprint, c.Resume.fingerprint, c.Fingerprint)
	}
	return nil
}

// ErrFingerprint marks a commit that was made under another configuration of the
// graph. Its state can't be used: give the group or the graph a new name, or
// restore the configuration.
var ErrFingerprint = errors.New("the commit is of another configuration of the graph")

// Partition turns the log of one topic partition into partials. It is a pure
// state machine, not safe for concurrent use.
type Partition struct {
	cfg    PartitionConfig
	times  times
	high   int64 // highest event time, or never, or ended
	latest int64 // of all that is here: high, but in a re-keyed partition, whose sources are not equally far
	open   map[int64]*rows
	lowest int64 // no open slice is below it
	halves *pair.Store
	seen   *seen // nil unless spans are deduped

	sources  *sources // nil unless the partition is a re-keyed one
	next     int64    // offset of the next record
	resume   Resume
	rewind   rewind
	advances []advance // those that a rebuild must apply again, by rising offset
	pending  []advance // of them, the restored ones not yet applied again
	losses   losses
}

// Output is what one step of a Partition led to.
type Output struct {
	// Partials of the slices that closed, in rising order. They are to be written
	// in this order.
	Partials []*slice.Partial
	// Losses are empty where the record was counted before a restart.
	Losses []Loss
	// Spans and Samples say how many got into a slice; zero where they were
	// counted before a restart.
	Spans, Samples int
	// Halves are those of the slices that closed; zero where they were counted
	// before a restart.
	Halves Halves
}

// Halves says what became of span halves whose slices closed. Those of root spans,
// which wait for nobody, are not among them.
type Halves struct {
	Paired   int // met their other half, perhaps too late for a call
	Virtual  int // resolved alone: a call to or from the peer that they name
	Unpaired int // resolved alone, and name no peer
}

// NewPartition makes a machine that continues from cfg.Resume.
func NewPartition(cfg PartitionConfig) (*Partition, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("partition %s/%d of graph %q: %w", cfg.Source.Topic, cfg.Source.Partition, cfg.Graph, err)
	}
	setDefault(&cfg.MaxHalvesPerSlice, DefaultMaxHalves)
	setDefault(&cfg.MaxRowsPerSlice, DefaultMaxRows)
	setDefault(&cfg.MaxSpansPerSlice, DefaultMaxSpans)
	p := &Partition{
		cfg:    cfg,
		times:  times{cfg.Width, cfg.Lateness, cfg.TombstoneTTL},
		high:   never,
		open:   map[int64]*rows{},
		halves: pair.New(cfg.MaxHalvesPerSlice),
		resume: Resume{high: never, first: never},
		losses: losses{},
	}
	p.rewind.times, p.rewind.dedupe = p.times, cfg.DedupeSpans
	if cfg.DedupeSpans {
		p.seen = newSeen(cfg.MaxSpansPerSlice)
	}
	if cfg.Rekeyed {
		p.sources = newSources(cfg.SourceLead, cfg.Width)
	}
	if cfg.Resume != nil {
		p.resume = *cfg.Resume
		p.high, p.next = p.resume.high, p.resume.Offset
		p.advances = slices.Clone(p.resume.advances)
		p.pending = p.resume.advances
	}
	p.latest = p.high
	p.lowest = p.times.firstOpen(p.high)
	return p, nil
}

// Apply takes the next record. The whole record is judged by the watermark that
// stood before it, so that it doesn't matter how records are fetched. A record that
// was applied already is ignored.
func (p *Partition) Apply(b *ingest.Batch) Output {
	var out Output
	if b.Offset < p.next {
		return out
	}
	if b.Offset < p.resume.from {
		p.listen(b)
		p.next = b.Offset + 1
		return out
	}
	p.reapply(b.Offset, &out)
	before, since, silent := p.high, p.since(b.Offset), p.Replayed(b.Offset)
	if p.listen(b) {
		for i := range b.Spans {
			p.losses.add(ReasonRewritten, b.Spans[i].Service, 1)
		}
	} else {
		p.events(b, &out)
	}
	high := p.reached(b)
	p.next = b.Offset + 1
	p.latest = max(p.latest, high)
	p.rewind.reached(step{offset: b.Offset, before: before, since: since}, p.latest)
	p.moveTo(high, &out)
	p.reapply(p.next, &out)
	out.Losses = p.losses.take()
	if silent {
		out.Losses, out.Spans, out.Samples, out.Halves = nil, 0, 0, Halves{}
	}
	return out
}

// listen notes what a re-keyed record tells of its source; again says that it had come
// before, and that its spans were counted then.
func (p *Partition) listen(b *ingest.Batch) (again bool) {
	return p.sources != nil && b.Source.Partitions > 0 && p.sources.take(b.Offset, b.Source)
}

// since is the offset from which a machine must listen to know what this one knows of its
// sources; next where there is nothing to know.
func (p *Partition) since(next int64) int64 {
	if p.sources == nil {
		return next
	}
	return p.sources.since(next)
}

// reached is the highest event time after a record whose events are counted.
func (p *Partition) reached(b *ingest.Batch) int64 {
	if p.sources != nil {
		return max(p.high, p.sources.high())
	}
	high, ok := marked(b, p.latest)
	if !ok {
		p.losses.add(ReasonBadTime, "", 1)
	}
	return high
}

// Replayed reports whether the record at offset was already applied, and its
// losses and dead letters written, before a restart.
func (p *Partition) Replayed(offset int64) bool { return offset < p.resume.reached }

// slice gives the rows of an open slice.
func (p *Partition) slice(k int64) *rows {
	r := p.open[k]
	if r == nil {
		r = newRows(p.cfg.MaxRowsPerSlice, p.losses)
		p.open[k] = r
	}
	return r
}

// moveTo lets the highest event time rise: slices that the watermark passes are
// resolved and emitted, then halves that it passes are forgotten.
func (p *Partition) moveTo(high int64, out *Output) {
	if high <= p.high {
		return
	}
	p.high = high
	if first := p.times.firstOpen(high); first > p.lowest {
		p.lowest = first
		p.close(out)
	}
	p.halves.Forget(p.times.firstRemembered(high))
	if p.seen != nil {
		p.seen.forget(p.times.firstRemembered(high))
	}
}

// close emits the open slices below p.lowest.
func (p *Partition) close(out *Output) {
	var closing []int64
	for k := range p.open {
		if k < p.lowest {
			closing = append(closing, k)
		}
	}
	slices.Sort(closing)
	for i, k := range closing {
		r := p.open[k]
		delete(p.open, k)
		calls, unpaired, paired := p.halves.Close(k)
		for i := range calls {
			r.addCall(&calls[i])
		}
		for _, service := range unpaired {
			r.node(service).Unpaired++
		}
		if k < p.resume.first {
			continue // acknowledged before a restart
		}
		out.Halves.Paired += paired
		out.Halves.Virtual += len(calls)
		out.Halves.Unpaired += len(unpaired)
		h := p.header(k)
		if i+1 < len(closing) {
			// A reader of this partial must not think the next one empty.
			h.Watermark = closing[i+1] * p.cfg.Width
		}
		out.Partials = append(out.Partials, r.partial(h))
	}
}

func (p *Partition) header(k int64) slice.Header {
	return slice.Header{
		Graph: p.cfg.Graph, Fingerprint: p.cfg.Fingerprint, Width: p.cfg.Width, Index: k,
		Source: p.cfg.Source, Partitions: p.cfg.Partitions, Watermark: p.Watermark(),
	}
}

// Watermark is the event time up to which the partition is complete:
// math.MinInt64 before the first event, math.MaxInt64 after a final record.
func (p *Partition) Watermark() int64 { return p.times.watermark(p.high) }

// Highest is the highest event time so far, from which an idle partition is
// advanced. ok is false before the first event and after the last.
func (p *Partition) Highest() (t int64, ok bool) { return p.high, p.high != never && p.high != ended }

// WatermarkOnly is a partial without rows, which tells the watermark to the
// assembler. It may be written whenever all partials before it were. ok is false
// before the first event.
func (p *Partition) WatermarkOnly() (q *slice.Partial, ok bool) {
	if p.high == never {
		return nil, false
	}
	return &slice.Partial{Header: p.header(p.times.slice(p.Watermark()))}, true
}

// AnnounceEmpty is a partial that tells the assembler not to wait for this
// partition, until it brings something; ok is false if it has done so. It is for
// partitions that nobody writes to: slices that others close meanwhile lack what comes
// late, so it must not be written before the partition was idle for a while.
// A re-keyed partition has nothing to bring where none of its sources has.
func (p *Partition) AnnounceEmpty() (q *slice.Partial, ok bool) {
	if p.high != never || p.sources != nil && !p.sources.empty() {
		return nil, false
	}
	return &slice.Partial{Header: p.header(0)}, true
}

// Next is the offset of the record that the machine expects: lag is counted from
// here, not from the committed offset.
func (p *Partition) Next() int64 { return max(p.next, p.resume.reached) }
