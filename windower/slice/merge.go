package slice

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MergePartials adds up partials of one slice: the chunks of one source
// partition, or those of all. It is commutative, associative and exact, and it leaves
// ps as they are. It refuses partials of different graphs, slices, widths or
// fingerprints.
//
// The result's watermark is the lowest, and its source the lexically first, of ps.
func MergePartials(ps []*Partial) (*Partial, error) {
	if len(ps) == 0 {
		return nil, errors.New("merge partials: none given")
	}
	sum := &Partial{Header: ps[0].Header}
	for _, p := range ps[1:] {
		if err := sum.mergeable(&p.Header); err != nil {
			return nil, err
		}
		sum.mergeHeader(&p.Header)
	}
	sum.Nodes = mergeRows(ps, func(p *Partial) []NodePart { return p.Nodes }, compareNodes, copyNode, (*NodePart).merge)
	sum.Edges = mergeRows(ps, func(p *Partial) []EdgePart { return p.Edges }, compareEdges, copyRow, (*EdgePart).merge)
	sum.Sightings = mergeRows(ps, func(p *Partial) []Sighting { return p.Sightings }, compareSightings, copyRow, (*Sighting).merge)
	sum.Resources = mergeRows(ps, func(p *Partial) []ResourcePart { return p.Resources }, compareResources, copyRow, (*ResourcePart).merge)
	return sum, nil
}

func (h *Header) mergeable(o *Header) error {
	if h.Graph == o.Graph && h.Fingerprint == o.Fingerprint && h.Width == o.Width && h.Index == o.Index {
		return nil
	}
	return fmt.Errorf("merge partials: expected graph %q, fingerprint %016x, width %d ns, slice %d as in the one of %s/%d, but %s/%d has graph %q, fingerprint %016x, width %d ns, slice %d",
		h.Graph, h.Fingerprint, h.Width, h.Index, h.Source.Topic, h.Source.Partition,
		o.Source.Topic, o.Source.Partition, o.Graph, o.Fingerprint, o.Width, o.Index)
}

func (h *Header) mergeHeader(o *Header) {
	h.Watermark = min(h.Watermark, o.Watermark)
	first := cmp.Or(
		strings.Compare(o.Source.Topic, h.Source.Topic),
		cmp.Compare(o.Source.Partition, h.Source.Partition),
		cmp.Compare(o.Partitions, h.Partitions))
	if first < 0 {
		h.Source, h.Partitions = o.Source, o.Partitions
	}
}

func compareNodes(a, b *NodePart) int { return strings.Compare(a.Service, b.Service) }

func compareEdges(a, b *EdgePart) int {
	if c := strings.Compare(a.Caller, b.Caller); c != 0 {
		return c
	}
	if c := strings.Compare(a.Callee, b.Callee); c != 0 {
		return c
	}
	return cmp.Compare(a.Kind, b.Kind)
}

func compareSightings(a, b *Sighting) int { return strings.Compare(a.Key, b.Key) }

// compareResources orders by the first key and the metric. What carries a
// service's name but no key is told apart by that name.
func compareResources(a, b *ResourcePart) int {
	if c := strings.Compare(a.Key(), b.Key()); c != 0 {
		return c
	}
	if a.Key() == "" {
		if c := strings.Compare(a.Service, b.Service); c != 0 {
			return c
		}
	}
	return cmp.Compare(a.Metric, b.Metric)
}

// Key is the first of the resource's keys, which identifies the container; empty
// where there is none.
func (r *ResourcePart) Key() string {
	if len(r.Keys) == 0 {
		return ""
	}
	return r.Keys[0]
}

func copyRow[T any](row *T) T { return *row }

func copyNode(n *NodePart) NodePart {
	c := *n
	c.Latency = slices.Clone(n.Latency)
	return c
}

// merge changes the histogram in place, which copyNode made the row's own.
func (n *NodePart) merge(o *NodePart) {
	n.Spans += o.Spans
	n.Requests += o.Requests
	n.Errors += o.Errors
	n.Arrivals += o.Arrivals
	n.Unpaired += o.Unpaired
	n.Duration.Add(o.Duration)
	n.Latency.merge(o.Latency)
}

func (e *EdgePart) merge(o *EdgePart) {
	e.Calls += o.Calls
	e.Errors += o.Errors
	e.Duration.Add(o.Duration)
}

func (s *Sighting) merge(o *Sighting) { s.Service = min(s.Service, o.Service) }

// merge adds what is additive and keeps the latest point. Of two lists of keys the
// longer is kept, of two services the lexically smaller: any rule would do that
// does not depend on the order.
func (r *ResourcePart) merge(o *ResourcePart) {
	if c := cmp.Compare(len(o.Keys), len(r.Keys)); c > 0 || c == 0 && slices.Compare(o.Keys, r.Keys) < 0 {
		r.Keys = o.Keys
	}
	if r.Service == "" || o.Service != "" && o.Service < r.Service {
		r.Service = o.Service
	}
	r.Cumulative = r.Cumulative || o.Cumulative
	r.Points += o.Points
	r.Total.Add(o.Total)
	r.Count += o.Count
	later := cmp.Or(
		cmp.Compare(o.LastTime, r.LastTime),
		cmp.Compare(o.LastStart, r.LastStart),
		cmp.Compare(o.LastValue, r.LastValue),
		cmp.Compare(o.LastCount, r.LastCount))
	if later > 0 {
		r.LastTime, r.LastStart, r.LastValue, r.LastCount = o.LastTime, o.LastStart, o.LastValue, o.LastCount
	}
}

// mergeRows is a k-way merge of sorted rows that folds those of the same key.
func mergeRows[T any](ps []*Partial, rows func(*Partial) []T, compare func(a, b *T) int, copyOf func(*T) T, fold func(into, row *T)) []T {
	q := &rowQueue[T]{compare: compare}
	longest := 0
	for _, p := range ps {
		if r := rows(p); len(r) > 0 {
			q.lists = append(q.lists, r)
			longest = max(longest, len(r))
		}
	}
	if len(q.lists) == 0 {
		return nil
	}
	heap.Init(q)
	merged := make([]T, 0, longest)
	for len(q.lists) > 0 {
		row := &q.lists[0][0]
		if last := len(merged) - 1; last >= 0 && compare(&merged[last], row) == 0 {
			fold(&merged[last], row)
		} else {
			merged = append(merged, copyOf(row))
		}
		if q.lists[0] = q.lists[0][1:]; len(q.lists[0]) == 0 {
			heap.Pop(q)
		} else {
			heap.Fix(q, 0)
		}
	}
	return merged
}

// rowQueue is a heap of lists by their first rows.
type rowQueue[T any] struct {
	lists   [][]T
	compare func(a, b *T) int
}

func (q *rowQueue[T]) Len() int           { return len(q.lists) }
func (q *rowQueue[T]) Less(i, j int) bool { return q.compare(&q.lists[i][0], &q.lists[j][0]) < 0 }
func (q *rowQueue[T]) Swap(i, j int)      { q.lists[i], q.lists[j] = q.lists[j], q.lists[i] }
func (q *rowQueue[T]) Push(x any)         { q.lists = append(q.lists, x.([]T)) }
func (q *rowQueue[T]) Pop() any {
	last := len(q.lists) - 1
	x := q.lists[last]
	q.lists = q.lists[:last]
	return x
}
