package otlp

import (
	"encoding/binary"
	"fmt"

	"github.com/VictoriaMetrics/easyproto"
)

// Part is one of the messages that a message of spans is split into.
type Part struct {
	Partition int
	Index     int    // among the parts of its partition
	Spans     int    // how many it holds
	Trace     []byte // the trace id, where all its spans have the same one of 16 bytes; aliases the message
	Value     []byte
}

// TraceSplitter splits messages of spans by trace id. Bytes are copied as they are: a
// span, its resource and its scope come out as they went in, whatever fields they have.
// It keeps its buffers between messages and is for one goroutine.
type TraceSplitter struct {
	limits Limits
	spans  []rawSpan
	scopes []rawScope
	heads  []byte  // the resources and scopes without their spans
	chains []chain // by partition
	used   []int   // partitions that get a span, in the order of their first
	out    []byte
}

// rawSpan is a span of the present message.
type rawSpan struct {
	bytes, trace []byte
	scope        int
	next         int // the next span of the partition; 0: none, as the first span is nobody's next
}

// rawScope is where the fields of a scope, and of its resource, lie in heads.
type rawScope struct {
	resource, resourceEnd int
	scope, scopeEnd       int
}

type chain struct{ first, last, spans int }

// NewTraceSplitter makes a splitter with the given limits.
func NewTraceSplitter(limits Limits) *TraceSplitter {
	return &TraceSplitter{limits: limits.withDefaults()}
}

// TracePartition tells which of n partitions a trace belongs to: 64-bit FNV-1a of its id.
func TracePartition(trace []byte, n int) int {
	h := uint64(14695981039346656037)
	for _, b := range trace {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return int(h % uint64(n))
}

// Reset lets the memory of the parts be used again.
func (s *TraceSplitter) Reset() { s.out = s.out[:0] }

// Split appends to dst what a message becomes: for each of the partitions that any of its
// spans belong to one part, or several with Index 0, 1 and so on where one had more than
// most bytes. Spans keep their order. What comes out depends on the arguments only. The parts
// are valid until Reset. A span that alone has more than most bytes, with its resource and
// scope, is an ErrLimit.
func (s *TraceSplitter) Split(src []byte, partitions, most int, dst []Part) (_ []Part, err error) {
	if err = s.limits.check(src); err != nil {
		return dst, err
	}
	s.spans, s.scopes, s.heads, s.used = s.spans[:0], s.scopes[:0], s.heads[:0], s.used[:0]
	if len(s.chains) < partitions {
		s.chains = make([]chain, partitions)
	}
	clear(s.chains)
	if err = eachMessage(src, 1, "traces", func(m []byte) error { return s.resource(m, partitions) }); err != nil {
		return dst, err
	}
	for _, p := range s.used {
		if dst, err = s.parts(p, most, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// resource notes the spans of a ResourceSpans. Its own fields may come after them.
func (s *TraceSplitter) resource(src []byte, partitions int) error {
	var at rawScope
	var err error
	at.resource = len(s.heads)
	if s.heads, err = appendHead(s.heads, src, "resource spans"); err != nil {
		return err
	}
	at.resourceEnd = len(s.heads)
	return eachMessage(src, 2, "resource spans", func(scope []byte) error {
		at.scope = len(s.heads)
		if s.heads, err = appendHead(s.heads, scope, "scope spans"); err != nil {
			return err
		}
		at.scopeEnd = len(s.heads)
		before := len(s.spans)
		s.scopes = append(s.scopes, at)
		err := eachMessage(scope, 2, "scope spans", func(span []byte) error { return s.add(span, partitions) })
		if len(s.spans) == before { // nobody asks for it, and there may be millions
			s.scopes, s.heads = s.scopes[:len(s.scopes)-1], s.heads[:at.scope]
		}
		return err
	})
}

// appendHead copies the resource or scope (field 1) and the schema's address (3) of a
// message, as they are. A field of that number that is something else is left out: the
// reader decides what is malformed.
func appendHead(dst, src []byte, name string) ([]byte, error) {
	var fc easyproto.FieldContext
	for len(src) > 0 {
		rest, err := fc.NextField(src)
		if err != nil {
			return dst, broken(name, err)
		}
		if _, ok := fc.MessageData(); ok && (fc.FieldNum == 1 || fc.FieldNum == 3) {
			dst = append(dst, src[:len(src)-len(rest)]...)
		}
		src = rest
	}
	return dst, nil
}

// add notes a span of the last scope.
func (s *TraceSplitter) add(src []byte, partitions int) error {
	if len(s.spans) >= s.limits.Items {
		return tooMany("spans", s.limits.Items)
	}
	n := len(s.spans)
	span := rawSpan{bytes: src, scope: len(s.scopes) - 1}
	var fc easyproto.FieldContext
	var err error
	for rest := src; len(rest) > 0; {
		if rest, err = fc.NextField(rest); err != nil {
			return broken("span", err)
		}
		if fc.FieldNum != 1 {
			continue
		}
		var ok bool
		if span.trace, ok = fc.Bytes(); !ok {
			return malformed("span", 1)
		}
	}
	p := TracePartition(span.trace, partitions)
	c := &s.chains[p]
	if c.spans == 0 {
		c.first = n
		s.used = append(s.used, p)
	} else {
		s.spans[c.last].next = n
	}
	c.last = n
	c.spans++
	s.spans = append(s.spans, span)
	return nil
}

// framing is the most that a message's tag and length take.
const framing = 6

// parts makes the parts of one partition.
func (s *TraceSplitter) parts(partition, most int, dst []Part) ([]Part, error) {
	w := partWriter{out: s.out}
	part := Part{Partition: partition}
	for i, left := s.chains[partition].first, s.chains[partition].spans; left > 0; left-- {
		span := &s.spans[i]
		scope := &s.scopes[span.scope]
		if part.Spans > 0 && w.size+w.cost(span, scope) > most {
			w.end(&part)
			dst = append(dst, part)
			part = Part{Partition: partition, Index: part.Index + 1}
		}
		if part.Spans == 0 {
			w.begin()
			part.Trace = span.trace
		}
		if size := w.size + w.cost(span, scope); size > most {
			return dst, fmt.Errorf("%w: a span takes up to %d bytes with its resource and scope, at most %d fit into a record", ErrLimit, size, most)
		}
		w.span(s.heads, span, scope)
		part.Spans++
		if string(part.Trace) != string(span.trace) || len(span.trace) != 16 {
			part.Trace = nil
		}
		i = span.next
	}
	w.end(&part)
	s.out = w.out
	return append(dst, part), nil
}

// partWriter writes a part, whose resource and scope are open.
type partWriter struct {
	out             []byte
	start           int
	size            int // never less than what the part takes
	resource, scope int // where their content begins; 0: none is open
	of              *rawScope
}

func (w *partWriter) begin() {
	w.start, w.size, w.resource, w.scope, w.of = len(w.out), 0, 0, 0, nil
}

func (w *partWriter) newResource(scope *rawScope) bool {
	return w.of == nil || w.of.resource != scope.resource || w.of.resourceEnd != scope.resourceEnd
}

// cost is what a span adds to the part's size.
func (w *partWriter) cost(span *rawSpan, scope *rawScope) int {
	n := framing + len(span.bytes)
	if w.of != scope {
		n += framing + scope.scopeEnd - scope.scope
	}
	if w.newResource(scope) {
		n += framing + scope.resourceEnd - scope.resource
	}
	return n
}

func (w *partWriter) span(heads []byte, span *rawSpan, scope *rawScope) {
	w.size += w.cost(span, scope)
	fresh := w.newResource(scope)
	if w.of != scope {
		w.close(fresh)
		if fresh {
			w.out, w.resource = begin(w.out, 1)
			w.out = append(w.out, heads[scope.resource:scope.resourceEnd]...)
		}
		w.out, w.scope = begin(w.out, 2)
		w.out = append(w.out, heads[scope.scope:scope.scopeEnd]...)
		w.of = scope
	}
	w.out = appendMessage(w.out, 2, span.bytes)
}

// close ends the scope that is open, and its resource where asked.
func (w *partWriter) close(resource bool) {
	if w.of == nil {
		return
	}
	w.out = end(w.out, w.scope)
	if resource {
		w.out = end(w.out, w.resource)
	}
}

func (w *partWriter) end(part *Part) {
	w.close(true)
	part.Value = w.out[w.start:len(w.out):len(w.out)]
}

// appendMessage writes an embedded message, an empty one too.
func appendMessage(dst []byte, field int, message []byte) []byte {
	dst = binary.AppendUvarint(appendTag(dst, field, wireBytes), uint64(len(message)))
	return append(dst, message...)
}
