package windower

import (
	"fmt"
	"math"
	"slices"

	"presage/windower/slice"
)

// maxEmpty is how many empty slices in a row are written as empty snapshots;
// more of them end a segment.
const maxEmpty = 5

// incomplete is a slice that was closed while some share was missing.
type incomplete struct {
	first  *slice.Snapshot
	shares *shares
}

// ready is the lowest slice that some partition of the topics of spans (or of
// metrics) hasn't passed.
func (a *Assembler) ready(metrics bool) int64 {
	least := int64(math.MaxInt64)
	for _, t := range a.topics {
		if t.metrics == metrics {
			least = min(least, t.through(a.cfg.Width))
		}
	}
	return least
}

// close closes what can be closed, in rising order, then makes the second
// revisions that are due.
func (a *Assembler) close() (out Assembled) {
	spans := a.ready(false)
	limit := max(a.expired, min(spans, max(a.waived, a.ready(true))))
	for _, k := range below(a.pending, limit) {
		a.closeSlice(k, &out)
	}
	due := spans
	if len(a.cfg.SpanTopics) == 0 {
		due = a.ready(true)
	}
	for _, k := range below(a.late, due) {
		if s, ok := a.revise(k); ok {
			out.Snapshots = append(out.Snapshots, s)
		} else {
			a.losses.add(ReasonRevision, "", 1)
		}
		delete(a.late, k)
	}
	out.Losses = a.losses.take()
	return out
}

// below lists the keys of m below a limit, in rising order.
func below[V any](m map[int64]V, limit int64) []int64 {
	var ks []int64
	for k := range m {
		if k < limit {
			ks = append(ks, k)
		}
	}
	slices.Sort(ks)
	return ks
}

// closeSlice writes slice k, which has rows, and before it the empty ones since
// the last snapshot, unless they are too many: then k begins a segment.
func (a *Assembler) closeSlice(k int64, out *Assembled) {
	sh := a.pending[k]
	delete(a.pending, k)
	switch {
	case !a.started, k-a.last-1 > maxEmpty:
		a.segment = k
	default:
		for empty := a.last + 1; empty < k; empty++ {
			a.emit(empty, newShares(), out)
		}
	}
	a.emit(k, sh, out)
	a.started = true
}

func (a *Assembler) emit(k int64, sh *shares, out *Assembled) {
	s := a.snapshot(k, 1, sh)
	sum := sh.merged(k)
	metrics := a.memory.join(k, sum)
	a.fill(s, sum, metrics)
	s.Resources = metrics.states
	a.last = k
	out.Snapshots = append(out.Snapshots, s)
	if !s.Complete {
		a.late[k] = &incomplete{s, sh}
		a.dropLate()
	}
}

// snapshot is the head of a snapshot: all but its rows.
func (a *Assembler) snapshot(k int64, revision int, sh *shares) *slice.Snapshot {
	missing, complete := a.missing(k, sh)
	return &slice.Snapshot{
		Graph: a.cfg.Graph, Fingerprint: a.cfg.Fingerprint, Width: a.cfg.Width, Index: k,
		Revision: revision, Complete: complete, Missing: missing, Segment: a.segment,
	}
}

// missing names the sources whose share of slice k isn't there. A slice without
// its metrics is complete, as calls don't wait for them, unless the graph has
// nothing else.
func (a *Assembler) missing(k int64, sh *shares) (names []string, complete bool) {
	complete = true
	for _, name := range a.names {
		t := a.topics[name]
		lost := len(t.sources) == 0
		if lost {
			names = append(names, name)
		}
		for i := range t.sources {
			share := sh.of[slice.Source{Topic: name, Partition: i}]
			if t.sources[i].through(a.cfg.Width) <= k || share != nil && share.whole == nil {
				names = append(names, fmt.Sprintf("%s/%d", name, i))
				lost = true
			}
		}
		if lost && (!t.metrics || len(a.cfg.SpanTopics) == 0) {
			complete = false
		}
	}
	return names, complete
}

// revise makes the second revision of an incomplete slice: what spans tell is
// counted anew with the shares that came late; what metrics told is kept. ok is
// false after a restart if the shares of the first revision can't be read any more.
func (a *Assembler) revise(k int64) (s *slice.Snapshot, ok bool) {
	late := a.late[k]
	s = a.snapshot(k, 2, late.shares)
	s.Segment, s.Resources = late.first.Segment, late.first.Resources
	a.fill(s, late.shares.merged(k), keptMetrics(late.first))
	for _, service := range late.first.Nodes.Service {
		if _, found := s.Nodes.Find(service); !found {
			return nil, false
		}
	}
	return s, true
}

// dropLate bounds the slices that wait for a second revision; the oldest go.
func (a *Assembler) dropLate() {
	for len(a.late) > a.cfg.LateSlices {
		oldest := int64(math.MaxInt64)
		for k := range a.late {
			oldest = min(oldest, k)
		}
		delete(a.late, oldest)
		a.losses.add(ReasonRevision, "", 1)
	}
}

// merged adds up the shares that are whole; they may be none.
func (s *shares) merged(k int64) *slice.Partial {
	ps := s.wholes()
	if len(ps) == 0 {
		return &slice.Partial{Header: slice.Header{Index: k}}
	}
	// They agree on graph, fingerprint, width and slice: that was checked.
	sum, _ := slice.MergePartials(ps)
	return sum
}
