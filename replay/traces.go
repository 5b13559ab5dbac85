package replay

import (
	"encoding/hex"

	"presage/ingest/otlp"
)

// traces collects the spans of each trace that end close together, as the
// Collector's partition_traces_by_id does with what it receives in one go.
type traces struct {
	open  map[[16]byte]*trace
	queue []*trace // in the order of opening; those already written have no spans
	head  int
	spans int
	pool  []*trace
	// scratch of encode
	order     []int
	resources []otlp.ResourceSpans
	sorted    []otlp.Span
}

// trace is the spans of one record to be.
type trace struct {
	id     [16]byte
	opened int64 // event time
	spans  []otlp.Span
	owners [][]otlp.KeyValue // the spans' resources
	bytes  int               // about what they take encoded
}

func newTraces() *traces { return &traces{open: make(map[[16]byte]*trace)} }

// add adds a span at event time now; it returns a trace that is due because of
// its size, to be written and then released.
func (t *traces) add(now int64, s *Span) (due *trace) {
	tr := t.open[s.TraceID]
	if tr == nil {
		tr = t.take()
		tr.id, tr.opened = s.TraceID, now
		t.open[s.TraceID] = tr
		t.queue = append(t.queue, tr)
	}
	tr.spans = append(tr.spans, s.Span)
	tr.owners = append(tr.owners, s.Resource)
	tr.bytes += spanBytes(&s.Span)
	t.spans++
	if len(tr.spans) >= traceSpans || tr.bytes >= traceBytes {
		return tr
	}
	if t.spans >= pendingSpans {
		return t.oldest()
	}
	return nil
}

// spanBytes is about what a span takes encoded.
func spanBytes(s *otlp.Span) int {
	n := 80 + len(s.Name) + len(s.TraceState) + 32*len(s.Links)
	for i := range s.Attributes {
		n += 16 + len(s.Attributes[i].Key) + len(s.Attributes[i].Value.Str)
	}
	return n
}

// due returns a trace that was opened at or before a time, to be written and
// then released, or nil.
func (t *traces) due(opened int64) *trace {
	if tr := t.oldest(); tr != nil && tr.opened <= opened {
		return tr
	}
	return nil
}

func (t *traces) oldest() *trace {
	for t.head < len(t.queue) {
		if tr := t.queue[t.head]; len(tr.spans) > 0 {
			return tr
		}
		t.pool = append(t.pool, t.queue[t.head])
		t.queue[t.head] = nil
		t.head++
	}
	t.queue, t.head = t.queue[:0], 0
	return nil
}

// release forgets a trace that was written.
func (t *traces) release(tr *trace) {
	delete(t.open, tr.id)
	t.spans -= len(tr.spans)
	clear(tr.spans) // strings and attributes can be freed
	clear(tr.owners)
	tr.spans, tr.owners, tr.bytes = tr.spans[:0], tr.owners[:0], 0
	if t.head > 1024 && t.head > len(t.queue)/2 {
		n := copy(t.queue, t.queue[t.head:])
		t.queue, t.head = t.queue[:n], 0
	}
}

func (t *traces) take() *trace {
	n := len(t.pool)
	if n == 0 {
		return &trace{}
	}
	tr := t.pool[n-1]
	t.pool = t.pool[:n-1]
	return tr
}

// key is the record key: the trace id in lower-case hexadecimal digits.
func (tr *trace) key(dst *[keyLength]byte) []byte {
	hex.Encode(dst[:], tr.id[:])
	return dst[:]
}

// encode appends the trace as an OTLP request, spans of one resource together in
// the order in which they came.
func (t *traces) encode(dst []byte, tr *trace) []byte {
	t.resources, t.sorted, t.order = t.resources[:0], t.sorted[:0], t.order[:0]
	if cap(t.sorted) < len(tr.spans) {
		t.sorted = make([]otlp.Span, 0, 2*len(tr.spans)) // must not move below
	}
	for i := range tr.spans {
		t.order = append(t.order, t.resourceOf(tr.owners[i]))
	}
	for r := range t.resources {
		start := len(t.sorted)
		for i, owner := range t.order {
			if owner == r {
				t.sorted = append(t.sorted, tr.spans[i])
			}
		}
		t.resources[r].Spans = t.sorted[start:]
	}
	dst = otlp.AppendTraces(dst, t.resources)
	clear(t.sorted)
	return dst
}

// resourceOf is the index of a resource in the request. Resources are told apart
// by where they lie in memory, and the search is short: what it misses costs bytes, not truth.
func (t *traces) resourceOf(resource []otlp.KeyValue) int {
	const search = 16
	for i := len(t.resources) - 1; i >= max(0, len(t.resources)-search); i-- {
		if same(t.resources[i].Resource, resource) {
			return i
		}
	}
	t.resources = append(t.resources, otlp.ResourceSpans{Resource: resource})
	return len(t.resources) - 1
}

func same(a, b []otlp.KeyValue) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
