package otlp

import "github.com/VictoriaMetrics/easyproto"

// TraceVisitor is shown what a trace message holds. What it is given aliases the
// message and is overwritten by the next call: copy what is kept.
type TraceVisitor interface {
	// Resource begins the spans of one resource; raw is for ResourceAttributes,
	// and empty if the message has no resource.
	Resource(raw []byte) error
	// Span shows one span of the resource last begun. An identifier of a wrong
	// length is shown as zero, an unknown kind as 0.
	Span(s *Span) error
}

// TraceReader decodes trace messages. It keeps its buffers between messages and
// is for one goroutine.
type TraceReader struct {
	limits Limits
	span   Span
	spans  int
}

// NewTraceReader makes a reader with the given limits.
func NewTraceReader(limits Limits) *TraceReader {
	return &TraceReader{limits: limits.withDefaults()}
}

// Read decodes a message and shows it to v, resource by resource. It stops at the
// first error, v's included; what v was shown before that is part of the message.
func (r *TraceReader) Read(src []byte, v TraceVisitor) (err error) {
	if err = r.limits.check(src); err != nil {
		return err
	}
	r.spans = 0
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("traces", err)
		}
		if fc.FieldNum != 1 {
			continue
		}
		resource, ok := fc.MessageData()
		if !ok {
			return malformed("traces", 1)
		}
		if err = r.resource(resource, v); err != nil {
			return err
		}
	}
	return nil
}

// resource reads a ResourceSpans twice, since the resource may come after its spans.
func (r *TraceReader) resource(src []byte, v TraceVisitor) error {
	raw, err := findResource(src)
	if err != nil {
		return err
	}
	if err = v.Resource(raw); err != nil {
		return err
	}
	return eachMessage(src, 2, "resource spans", func(scope []byte) error {
		var fc easyproto.FieldContext
		var err error
		for len(scope) > 0 {
			if scope, err = fc.NextField(scope); err != nil {
				return broken("scope spans", err)
			}
			if fc.FieldNum != 2 {
				continue
			}
			span, ok := fc.MessageData()
			if !ok {
				return malformed("scope spans", 2)
			}
			if r.spans++; r.spans > r.limits.Items {
				return tooMany("spans", r.limits.Items)
			}
			if err = r.readSpan(span); err != nil {
				return err
			}
			if err = v.Span(&r.span); err != nil {
				return err
			}
		}
		return nil
	})
}

// findResource gives the resource message of a ResourceSpans or ResourceMetrics.
func findResource(src []byte) (raw []byte, err error) {
	err = eachMessage(src, 1, "resource", func(m []byte) error { raw = m; return nil })
	return raw, err
}

// eachMessage calls f with every embedded message of the given field.
func eachMessage(src []byte, field uint32, name string, f func([]byte) error) (err error) {
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken(name, err)
		}
		if fc.FieldNum != field {
			continue
		}
		m, ok := fc.MessageData()
		if !ok {
			return malformed(name, field)
		}
		if err = f(m); err != nil {
			return err
		}
	}
	return nil
}

func (r *TraceReader) readSpan(src []byte) (err error) {
	s := &r.span
	*s = Span{Attributes: s.Attributes[:0], Links: s.Links[:0]}
	var fc easyproto.FieldContext
	for len(src) > 0 {
		if src, err = fc.NextField(src); err != nil {
			return broken("span", err)
		}
		ok := true
		switch fc.FieldNum {
		case 1:
			ok = readID(&fc, s.TraceID[:])
		case 2:
			ok = readID(&fc, s.SpanID[:])
		case 3:
			s.TraceState, ok = fc.String()
		case 4:
			ok = readID(&fc, s.ParentID[:])
		case 5:
			s.Name, ok = fc.String()
		case 6:
			s.Kind, ok = readKind(&fc)
		case 7:
			s.Start, ok = readTime(&fc)
		case 8:
			s.End, ok = readTime(&fc)
		case 9:
			if s.Attributes, err = readAttribute(&fc, s.Attributes, r.limits.Attributes); err != nil {
				return err
			}
		case 13:
			if err = r.readLink(&fc); err != nil {
				return err
			}
		case 15:
			if err = r.readStatus(&fc); err != nil {
				return err
			}
		}
		if !ok {
			return malformed("span", fc.FieldNum)
		}
	}
	return nil
}

func (r *TraceReader) readLink(fc *easyproto.FieldContext) error {
	src, ok := fc.MessageData()
	if !ok {
		return malformed("span", 13)
	}
	if len(r.span.Links) >= r.limits.Attributes {
		return tooMany("links", r.limits.Attributes)
	}
	var link Link
	var err error
	var in easyproto.FieldContext
	for len(src) > 0 {
		if src, err = in.NextField(src); err != nil {
			return broken("link", err)
		}
		switch in.FieldNum {
		case 1:
			ok = readID(&in, link.TraceID[:])
		case 2:
			ok = readID(&in, link.SpanID[:])
		}
		if !ok {
			return malformed("link", in.FieldNum)
		}
	}
	r.span.Links = append(r.span.Links, link)
	return nil
}

func (r *TraceReader) readStatus(fc *easyproto.FieldContext) error {
	src, ok := fc.MessageData()
	if !ok {
		return malformed("span", 15)
	}
	var err error
	var in easyproto.FieldContext
	for len(src) > 0 {
		if src, err = in.NextField(src); err != nil {
			return broken("status", err)
		}
		if in.FieldNum != 3 {
			continue
		}
		code, ok := in.Uint64()
		if !ok {
			return malformed("status", 3)
		}
		r.span.Error = code == statusError
	}
	return nil
}

// readID copies an identifier of exactly len(id) bytes; any other becomes zero.
func readID(fc *easyproto.FieldContext, id []byte) bool {
	b, ok := fc.Bytes()
	clear(id)
	if len(b) == len(id) {
		copy(id, b)
	}
	return ok
}

func readKind(fc *easyproto.FieldContext) (uint8, bool) {
	kind, ok := fc.Uint64()
	if kind > 5 {
		kind = 0
	}
	return uint8(kind), ok
}

// readTime gives Unix nanoseconds; what doesn't fit an int64 becomes 0, "unknown".
func readTime(fc *easyproto.FieldContext) (int64, bool) {
	t, ok := fc.Fixed64()
	return max(int64(t), 0), ok
}
