package windower

import (
	"sort"

	"presage/ingest"
	"presage/windower/slice"
)

// fill computes a snapshot's rows from the merged integers, once.
func (a *Assembler) fill(s *slice.Snapshot, p *slice.Partial, metrics *joined) {
	b := bound(p, metrics, a.cfg.MaxServices, a.cfg.MaxEdges)
	a.losses.add(ReasonBounds, "", b.folded)
	n := len(b.services)
	s.Nodes = slice.Nodes{Service: b.services, Virtual: make([]bool, n)}
	for _, c := range []*slice.Column{
		&s.Nodes.Requests, &s.Nodes.Errors, &s.Nodes.Arrivals, &s.Nodes.Mean, &s.Nodes.P50, &s.Nodes.P95, &s.Nodes.P99,
		&s.Nodes.CPU, &s.Nodes.Memory, &s.Nodes.Replicas, &s.Nodes.Unpaired,
	} {
		*c = slice.NewColumn(n)
	}
	for i, service := range b.services {
		node, m := b.nodes[service], metrics.of[service]
		s.Nodes.Virtual[i] = node == nil && m == nil
		if node != nil {
			fillSpans(&s.Nodes, i, node, s.Complete)
		}
		if m != nil {
			fillMetrics(&s.Nodes, i, m)
		}
		if a.cfg.NodeSource != SpansOnly {
			fillLoad(&s.Nodes, i, m, a.cfg.NodeSource == MetricsOnly)
		}
	}
	fillEdges(s, b.edges)
}

// fillSpans sets what spans tell. Load is missing where a source's share is: a
// part of it would look like a drop.
func fillSpans(n *slice.Nodes, i int, p *slice.NodePart, complete bool) {
	if complete {
		n.Requests.Set(i, float64(p.Requests)/ingest.FullCount)
		n.Errors.Set(i, float64(p.Errors)/ingest.FullCount)
		n.Arrivals.Set(i, float64(p.Arrivals)/ingest.FullCount)
	}
	n.Unpaired.Set(i, float64(p.Unpaired))
	if p.Requests > 0 {
		n.Mean.Set(i, meanMs(p.Duration, p.Requests))
	}
	for _, q := range []struct {
		column *slice.Column
		q      float64
	}{{&n.P50, 0.5}, {&n.P95, 0.95}, {&n.P99, 0.99}} {
		if ns, ok := p.Latency.Quantile(q.q); ok {
			q.column.Set(i, ns/1e6)
		}
	}
}

// meanMs divides nanoseconds × 1/256 by counts in 1/256.
func meanMs(sum slice.Sum, count int64) float64 { return sum.Float() / float64(count) / 1e6 }

// fillMetrics sets what container metrics tell: means over containers.
func fillMetrics(n *slice.Nodes, i int, m *measured) {
	if m.cpus > 0 {
		n.CPU.Set(i, m.cpu/m.cpus)
	}
	if m.memories > 0 {
		n.Memory.Set(i, m.memory/m.memories)
	}
	if m.containers > 0 {
		n.Replicas.Set(i, m.containers)
	}
}

// fillLoad lets a service's duration histograms outrank its spans, if all of
// them tell the calls of this slice. Arrivals are then the calls, as histograms know
// no starts; errors keep their share of the calls. With only set, spans don't count.
func fillLoad(n *slice.Nodes, i int, m *measured, only bool) {
	known := m != nil && m.histograms > 0 && m.unknown == 0
	if !known {
		if only {
			clearAt(i, &n.Requests, &n.Errors, &n.Arrivals, &n.Mean)
		}
		return
	}
	spans, complete := n.Requests.At(i)
	if failed, ok := n.Errors.At(i); ok && complete && spans > 0 {
		n.Errors.Set(i, failed*m.requests/spans)
	}
	n.Requests.Set(i, m.requests)
	n.Arrivals.Set(i, m.requests)
	clearAt(i, &n.Mean)
	if m.requests > 0 {
		n.Mean.Set(i, m.durations/m.requests/1e6)
	}
}

func clearAt(i int, columns ...*slice.Column) {
	for _, c := range columns {
		c.Value[i], c.Valid[i] = 0, false
	}
}

// fillEdges makes CSR of edges sorted by caller, callee and kind, whose ends are
// all services of the snapshot.
func fillEdges(s *slice.Snapshot, edges []slice.EdgePart) {
	e := &s.Edges
	e.Offset = make([]int32, len(s.Nodes.Service)+1)
	e.Callee, e.Kind = make([]int32, len(edges)), make([]uint8, len(edges))
	e.Calls, e.Errors, e.Mean = make([]float64, len(edges)), make([]float64, len(edges)), make([]float64, len(edges))
	for k := range edges {
		p := &edges[k]
		e.Offset[rowOf(s.Nodes.Service, p.Caller)+1]++
		e.Callee[k], e.Kind[k] = int32(rowOf(s.Nodes.Service, p.Callee)), uint8(p.Kind)
		e.Calls[k], e.Errors[k] = float64(p.Calls)/ingest.FullCount, float64(p.Errors)/ingest.FullCount
		if p.Calls > 0 {
			e.Mean[k] = meanMs(p.Duration, p.Calls)
		}
	}
	for i := range s.Nodes.Service {
		e.Offset[i+1] += e.Offset[i]
	}
}

func rowOf(services []string, name string) int { return sort.SearchStrings(services, name) }

// keptMetrics reads back from a first revision what metrics told of its services.
func keptMetrics(s *slice.Snapshot) *joined {
	j := &joined{of: map[string]*measured{}}
	for i, service := range s.Nodes.Service {
		if s.Nodes.Virtual[i] {
			continue
		}
		m := &measured{}
		var cpu, memory, load bool
		if m.cpu, cpu = s.Nodes.CPU.At(i); cpu {
			m.cpus = 1
		}
		if m.memory, memory = s.Nodes.Memory.At(i); memory {
			m.memories = 1
		}
		m.containers, _ = s.Nodes.Replicas.At(i)
		// The load of spans is missing in an incomplete snapshot: what is there
		// was told by histograms.
		if m.requests, load = s.Nodes.Requests.At(i); load {
			mean, _ := s.Nodes.Mean.At(i)
			m.histograms, m.durations = 1, mean*1e6*m.requests
		}
		j.of[service] = m
	}
	return j
}
