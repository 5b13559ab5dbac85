package windower

import (
	"cmp"
	"slices"
	"strings"

	"presage/ingest"
	"presage/windower/pair"
	"presage/windower/slice"
)

// rows collects what one source partition adds to one open slice.
type rows struct {
	nodes     map[string]*slice.NodePart
	edges     map[edgeKey]*slice.EdgePart
	sightings map[string]string // resource key to service
	resources map[resourceKey]*slice.ResourcePart

	limit  int // of rows in each table
	losses losses

	// The last service and its keys: spans come in runs of one resource.
	lastNode *slice.NodePart
	lastKeys []string
}

type edgeKey struct {
	caller, callee string
	kind           slice.EdgeKind
}

type resourceKey struct {
	key    string
	metric ingest.Metric
}

func newRows(limit int, l losses) *rows {
	return &rows{
		limit:     limit,
		losses:    l,
		nodes:     map[string]*slice.NodePart{},
		edges:     map[edgeKey]*slice.EdgePart{},
		sightings: map[string]string{},
		resources: map[resourceKey]*slice.ResourcePart{},
	}
}

// node gives the row of a service. Having one says that the service's own spans
// were seen, even if all its counts are zero. The services that come when the table
// is full share a row.
func (r *rows) node(service string) *slice.NodePart {
	if r.lastNode != nil && r.lastNode.Service == service {
		return r.lastNode
	}
	n := r.nodes[service]
	if n == nil && r.full(len(r.nodes)) {
		service = slice.Other
		n = r.nodes[service]
	}
	if n == nil {
		n = &slice.NodePart{Service: service}
		r.nodes[service] = n
	}
	r.lastNode, r.lastKeys = n, nil
	return n
}

// addSpan counts a span in the columns of its service, all but its arrival.
func (r *rows) addSpan(s *ingest.Span) *slice.NodePart {
	n := r.node(s.Service)
	r.sight(s)
	if !s.Kind.Serves() {
		return n
	}
	weight := adjusted(s)
	n.Spans++
	n.Requests += weight
	if s.Error {
		n.Errors += weight
	}
	n.Duration.AddProduct(s.End-s.Start, weight)
	n.Latency.Add(slice.BucketOf(s.End-s.Start), weight)
	return n
}

// adjusted is how many spans s stands for, in 1/256.
func adjusted(s *ingest.Span) int64 {
	if s.Adjusted == 0 {
		return ingest.FullCount
	}
	return int64(s.Adjusted)
}

// sight notes which service the resource keys of a span belong to.
func (r *rows) sight(s *ingest.Span) {
	if len(s.Keys) == 0 || len(r.lastKeys) == len(s.Keys) && &r.lastKeys[0] == &s.Keys[0] {
		return
	}
	r.lastKeys = s.Keys
	for _, k := range s.Keys {
		if old, ok := r.sightings[k]; (!ok && !r.full(len(r.sightings))) || ok && s.Service < old {
			r.sightings[k] = s.Service
		}
	}
}

func (r *rows) addCall(c *pair.Call) {
	k := edgeKey{c.Caller, c.Callee, c.Kind}
	e := r.edges[k]
	if e == nil && r.full(len(r.edges)) {
		k = edgeKey{slice.Other, slice.Other, slice.Virtual}
		e = r.edges[k]
	}
	if e == nil {
		e = &slice.EdgePart{Caller: k.caller, Callee: k.callee, Kind: k.kind}
		r.edges[k] = e
	}
	e.Calls += c.Adjusted
	if c.Error {
		e.Errors += c.Adjusted
	}
	e.Duration.AddProduct(c.Duration, c.Adjusted)
}

// full reports whether a table may have no further row, and counts what doesn't
// get one. It is asked in the order of the log, so the answer is a function of it.
func (r *rows) full(n int) bool {
	if n < r.limit {
		return false
	}
	r.losses.add(ReasonRowCap, "", 1)
	return true
}

// serviceKey is the resource key of samples that carry a service's name and
// nothing that tells containers apart.
func serviceKey(service string) string { return "service:" + service }

// addSample folds a sample that has keys or a service.
func (r *rows) addSample(s *ingest.Sample) {
	keys := s.Keys
	if len(keys) == 0 {
		keys = []string{serviceKey(s.Service)}
	}
	k := resourceKey{keys[0], s.Metric}
	p := r.resources[k]
	if p == nil && r.full(len(r.resources)) {
		return
	}
	if p == nil {
		p = &slice.ResourcePart{Keys: keys, Service: s.Service, Metric: uint8(s.Metric)}
		r.resources[k] = p
	}
	// The same choices as in merging partials: independent of the order.
	if c := cmp.Compare(len(keys), len(p.Keys)); c > 0 || c == 0 && slices.Compare(keys, p.Keys) < 0 {
		p.Keys = keys
	}
	if p.Service == "" || s.Service != "" && s.Service < p.Service {
		p.Service = s.Service
	}
	p.Points++
	value := s.Value
	if s.Metric == ingest.MetricServerDuration {
		value = s.Sum
	}
	if !s.Cumulative {
		p.Total.AddProduct(value, 1)
		p.Count += s.Count
		return
	}
	p.Cumulative = true
	later := cmp.Or(
		cmp.Compare(s.Time, p.LastTime),
		cmp.Compare(s.Start, p.LastStart),
		cmp.Compare(value, p.LastValue),
		cmp.Compare(s.Count, p.LastCount))
	if later > 0 {
		p.LastTime, p.LastStart, p.LastValue, p.LastCount = s.Time, s.Start, value, s.Count
	}
}

// partial gives the rows sorted; the collector isn't used afterwards.
func (r *rows) partial(h slice.Header) *slice.Partial {
	p := &slice.Partial{Header: h}
	p.Nodes = sorted(r.nodes, func(a, b *slice.NodePart) int { return strings.Compare(a.Service, b.Service) })
	p.Edges = sorted(r.edges, func(a, b *slice.EdgePart) int {
		return cmp.Or(strings.Compare(a.Caller, b.Caller), strings.Compare(a.Callee, b.Callee), cmp.Compare(a.Kind, b.Kind))
	})
	for k, s := range r.sightings {
		p.Sightings = append(p.Sightings, slice.Sighting{Key: k, Service: s})
	}
	slices.SortFunc(p.Sightings, func(a, b slice.Sighting) int { return strings.Compare(a.Key, b.Key) })
	p.Resources = sorted(r.resources, func(a, b *slice.ResourcePart) int {
		return cmp.Or(strings.Compare(a.Keys[0], b.Keys[0]), cmp.Compare(a.Metric, b.Metric))
	})
	return p
}

// sorted gives the values of m in order.
func sorted[K comparable, V any](m map[K]*V, compare func(a, b *V) int) []V {
	if len(m) == 0 {
		return nil
	}
	rows := make([]V, 0, len(m))
	for _, v := range m {
		rows = append(rows, *v)
	}
	slices.SortFunc(rows, func(a, b V) int { return compare(&a, &b) })
	return rows
}
