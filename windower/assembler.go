package windower

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"presage/windower/slice"
)

// AssemblerConfig says what an Assembler joins.
type AssemblerConfig struct {
	Graph        string
	Fingerprint  uint64
	Width        int64 // of a slice, nanoseconds
	SpanTopics   []string
	MetricTopics []string
	NodeSource   NodeSource
	MaxServices  int // rows of a snapshot; 0 means DefaultMaxServices
	MaxEdges     int // edges of a snapshot; 0 means DefaultMaxEdges
	// MemorySlices is for how many slices a resource is remembered that isn't
	// seen any more; 0 means an hour's.
	MemorySlices int64
	// LateSlices is how many incomplete slices wait for their second revision; 0
	// means DefaultLateSlices.
	LateSlices int
}

// The assembler's bounds where the configuration has none.
const (
	DefaultMaxServices = 5_000
	DefaultMaxEdges    = 100_000
	DefaultLateSlices  = 32
	maxChunks          = 1 << 12 // of one partial
	maxPartitions      = 1 << 16 // of one topic
	hour               = 3_600_000_000_000
)

// NodeSource says where a service's load and mean response time come from, if
// its duration histograms are among the metrics.
type NodeSource uint8

// The sources of node columns.
const (
	PreferMetrics NodeSource = iota // the histograms, where the service sends them; else spans
	SpansOnly                       // always spans
	MetricsOnly                     // always the histograms; missing without
)

// The reasons for which the assembler leaves partials out; ReasonDuplicate is also
// the partition machine's, of spans.
const (
	ReasonFingerprint Reason = "fingerprint"     // of another configuration of the graph
	ReasonForeign     Reason = "foreign"         // of another graph, or of a topic that isn't the graph's
	ReasonDuplicate   Reason = "duplicate"       // the same share of the slice, or the same span, was there before
	ReasonTooLate     Reason = "late_partial"    // its slice is closed for good
	ReasonBounds      Reason = "bounds"          // services and edges that were folded into slice.Other
	ReasonRevision    Reason = "revision_missed" // an incomplete slice for whose rest nobody waits any more
)

// Assembled is what one step of an Assembler led to.
type Assembled struct {
	// Snapshots in the order in which they are to be written.
	Snapshots []*slice.Snapshot
	Losses    []Loss // in chunks; ReasonBounds in rows
}

// Assembler joins the partials of all source partitions of a graph into
// snapshots. It is a pure state machine, not safe for concurrent use.
type Assembler struct {
	cfg     AssemblerConfig
	topics  map[string]*topic
	names   []string // of topics, sorted
	pending map[int64]*shares
	late    map[int64]*incomplete
	memory  memory
	next    int64 // offset of the next chunk
	started bool  // last and segment are set
	last    int64 // index of the newest snapshot
	segment int64
	waived  int64 // slices below it wait for no metrics
	expired int64 // slices below it wait for nothing
	losses  losses
}

// NewAssembler makes an assembler that begins with the first slice it is given.
func NewAssembler(cfg AssemblerConfig) (*Assembler, error) {
	if cfg.Width <= 0 || cfg.Width > longest {
		return nil, fmt.Errorf("assemble graph %q: slice width %d ns: expected more than 0 and at most %d", cfg.Graph, cfg.Width, int64(longest))
	}
	if len(cfg.SpanTopics)+len(cfg.MetricTopics) == 0 {
		return nil, errors.New("assemble graph " + cfg.Graph + ": expected at least one topic")
	}
	setDefault(&cfg.MaxServices, DefaultMaxServices)
	setDefault(&cfg.MaxEdges, DefaultMaxEdges)
	setDefault(&cfg.LateSlices, DefaultLateSlices)
	setDefault(&cfg.MemorySlices, max(hour/cfg.Width, 1))
	a := &Assembler{
		cfg:     cfg,
		topics:  map[string]*topic{},
		pending: map[int64]*shares{},
		late:    map[int64]*incomplete{},
		memory:  newMemory(cfg.Width, cfg.MemorySlices),
		waived:  math.MinInt64,
		expired: math.MinInt64,
		losses:  losses{},
	}
	for _, t := range cfg.MetricTopics {
		a.topics[t] = &topic{name: t, metrics: true}
	}
	for _, t := range cfg.SpanTopics {
		a.topics[t] = &topic{name: t}
	}
	for t := range a.topics {
		a.names = append(a.names, t)
	}
	slices.Sort(a.names)
	return a, nil
}

func setDefault[T int | int64](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

// Restore continues after the given snapshots, which are in rising order of
// slices and revisions. Those of the last MemorySlices and LateSlices are needed.
func (a *Assembler) Restore(snapshots []*slice.Snapshot) {
	newest := map[int64]*slice.Snapshot{}
	for _, s := range snapshots {
		if old := newest[s.Index]; old == nil || s.Revision > old.Revision {
			newest[s.Index] = s
		}
	}
	for _, s := range newest {
		if !a.started || s.Index > a.last {
			a.started, a.last, a.segment = true, s.Index, s.Segment
		}
		if !s.Complete && s.Revision == 1 {
			a.late[s.Index] = &incomplete{first: s, shares: newShares()}
		}
	}
	for _, s := range newest {
		a.memory.restore(s)
	}
	a.dropLate()
	clear(a.losses)
}

// Add takes chunk i of n of a partial, in the order of presage.partials; offset
// is its record's.
func (a *Assembler) Add(offset int64, chunk *slice.Partial, i, n int) Assembled {
	a.next = max(a.next, offset+1)
	a.add(offset, chunk, i, n)
	return a.close()
}

func (a *Assembler) add(offset int64, chunk *slice.Partial, i, n int) {
	t := a.topics[chunk.Source.Topic]
	switch {
	case chunk.Graph != a.cfg.Graph || t == nil:
		a.losses.add(ReasonForeign, "", 1)
		return
	case chunk.Fingerprint != a.cfg.Fingerprint || chunk.Width != a.cfg.Width:
		a.losses.add(ReasonFingerprint, "", 1)
		return
	case n < 1 || n > maxChunks || i < 0 || i >= n || chunk.Partitions < 1 || chunk.Partitions > maxPartitions ||
		chunk.Source.Partition < 0 || chunk.Source.Partition >= chunk.Partitions:
		a.losses.add(ReasonForeign, "", 1)
		return
	}
	if chunk.Empty() && n == 1 {
		t.hear(offset, &chunk.Header)
		return
	}
	s := a.sharesOf(chunk.Index)
	if s == nil {
		a.losses.add(ReasonTooLate, "", 1)
		t.hear(offset, &chunk.Header)
		return
	}
	first, news := s.add(offset, chunk, i, n)
	if !news {
		a.losses.add(ReasonDuplicate, "", 1)
	}
	if first >= 0 {
		t.hear(first, &chunk.Header)
	}
}

// sharesOf gives where a partial of slice k belongs, nil if it comes too late.
func (a *Assembler) sharesOf(k int64) *shares {
	if a.started && k <= a.last {
		if late := a.late[k]; late != nil {
			return late.shares
		}
		return nil
	}
	s := a.pending[k]
	if s == nil {
		s = newShares()
		a.pending[k] = s
	}
	return s
}

// WaiveMetrics says that slice k and those before it wait for no metrics any more.
func (a *Assembler) WaiveMetrics(k int64) Assembled {
	a.waived = max(a.waived, k+1)
	return a.close()
}

// Expire says that slice k and those before it wait for nothing any more.
func (a *Assembler) Expire(k int64) Assembled {
	a.expired = max(a.expired, k+1)
	return a.close()
}

// Pending is a slice of which something is there, but not all.
type Pending struct {
	Index       int64
	MetricsOnly bool // only metrics are missing
}

// Pending lists the slices that are not closed, the oldest first. Whoever drives
// the assembler notes when each appeared here first, and waives or expires it.
func (a *Assembler) Pending() []Pending {
	spans := a.ready(false)
	var out []Pending
	for k := range a.pending {
		out = append(out, Pending{k, k < spans && len(a.cfg.SpanTopics) > 0})
	}
	slices.SortFunc(out, func(x, y Pending) int { return int(min(max(x.Index-y.Index, -1), 1)) })
	return out
}

// Ended reports whether every partition has told that nothing comes after what it
// has sent: the recording is whole, and so are its snapshots.
func (a *Assembler) Ended() bool {
	for _, t := range a.topics {
		if len(t.sources) == 0 {
			return false
		}
		for _, s := range t.sources {
			if !s.heard || s.watermark != ended {
				return false
			}
		}
	}
	return len(a.pending) == 0
}

// SafeOffset is the offset from which presage.partials must be read again after
// a restart. It may be committed once all snapshots returned before the call are
// acknowledged.
func (a *Assembler) SafeOffset() int64 {
	safe := a.next
	for _, t := range a.topics {
		for _, s := range t.sources {
			if s.heard {
				safe = min(safe, s.offset)
			}
		}
	}
	for _, s := range a.pending {
		safe = min(safe, s.offset)
	}
	for _, l := range a.late {
		safe = min(safe, l.shares.offset)
	}
	return safe
}
