package windower

import (
	"cmp"
	"slices"
	"strings"

	"presage/windower/slice"
)

// bounded is a merged partial that keeps the bounds of a snapshot.
type bounded struct {
	services []string // sorted: all nodes, all ends of edges, all that have metrics
	nodes    map[string]*slice.NodePart
	edges    []slice.EdgePart // sorted by caller, callee and kind
	folded   int              // services and edges that went into slice.Other
}

// bound folds the services that don't fit into slice.Other, then the edges. The
// ones with the most calls stay; among equals the lexically smaller names.
func bound(p *slice.Partial, metrics *joined, maxServices, maxEdges int) *bounded {
	b := &bounded{nodes: map[string]*slice.NodePart{}, edges: p.Edges}
	calls := map[string]int64{}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		b.nodes[n.Service] = n
		calls[n.Service] += n.Requests
	}
	for i := range p.Edges {
		calls[p.Edges[i].Caller] += p.Edges[i].Calls
		calls[p.Edges[i].Callee] += p.Edges[i].Calls
	}
	for s := range metrics.of {
		calls[s] += 0
	}
	if len(calls) > maxServices {
		b.foldServices(calls, maxServices)
	}
	if len(b.edges) > maxEdges {
		b.foldEdges(maxEdges)
		calls[slice.Other] += 0
	}
	for s := range calls {
		b.services = append(b.services, s)
	}
	slices.Sort(b.services)
	return b
}

// foldServices keeps all but one of the rows for the busiest services.
func (b *bounded) foldServices(calls map[string]int64, most int) {
	names := make([]string, 0, len(calls))
	for s := range calls {
		if s != slice.Other {
			names = append(names, s)
		}
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(calls[y], calls[x]), strings.Compare(x, y))
	})
	other := &slice.Partial{}
	if n := b.nodes[slice.Other]; n != nil {
		other.Nodes = []slice.NodePart{*n}
	}
	// Sums don't depend on their order, so partials of one row each may be merged.
	parts := []*slice.Partial{other}
	for _, s := range names[min(most-1, len(names)):] {
		if n := b.nodes[s]; n != nil {
			row := *n
			row.Service = slice.Other
			parts = append(parts, &slice.Partial{Nodes: []slice.NodePart{row}})
			delete(b.nodes, s)
		}
		delete(calls, s)
		b.folded++
	}
	calls[slice.Other] += 0
	sum, _ := slice.MergePartials(parts)
	if len(sum.Nodes) > 0 {
		b.nodes[slice.Other] = &sum.Nodes[0]
	}
	b.edges = refold(b.edges, func(e *slice.EdgePart) {
		if _, ok := calls[e.Caller]; !ok {
			e.Caller = slice.Other
		}
		if _, ok := calls[e.Callee]; !ok {
			e.Callee = slice.Other
		}
	})
}

// foldEdges keeps all but one of the rows for the busiest edges.
func (b *bounded) foldEdges(most int) {
	order := make([]int, len(b.edges))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(b.edges[y].Calls, b.edges[x].Calls) })
	drop := make(map[edgeKey]bool, len(order)-most+1)
	for _, i := range order[max(most-1, 0):] {
		drop[edgeKey{b.edges[i].Caller, b.edges[i].Callee, b.edges[i].Kind}] = true
	}
	b.folded += len(drop)
	b.edges = refold(b.edges, func(e *slice.EdgePart) {
		if drop[edgeKey{e.Caller, e.Callee, e.Kind}] {
			e.Caller, e.Callee, e.Kind = slice.Other, slice.Other, slice.Virtual
		}
	})
}

// refold renames edges and adds up those that have become one.
func refold(edges []slice.EdgePart, rename func(*slice.EdgePart)) []slice.EdgePart {
	parts := make([]*slice.Partial, len(edges))
	for i, e := range edges {
		rename(&e)
		parts[i] = &slice.Partial{Edges: []slice.EdgePart{e}}
	}
	sum, _ := slice.MergePartials(parts)
	return sum.Edges
}
