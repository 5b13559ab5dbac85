package ingest

import "presage/ingest/otlp"

// spanVisitor fills a batch with the spans of a message.
type spanVisitor struct {
	options   Options
	names     *names
	resources *resources
	batch     *Batch
	resource  *resource
}

// Resource implements otlp.TraceVisitor.
func (v *spanVisitor) Resource(raw []byte) (err error) {
	v.resource, err = v.resources.get(raw)
	return err
}

// Span implements otlp.TraceVisitor.
func (v *spanVisitor) Span(s *otlp.Span) error {
	if s.TraceID == [16]byte{} || s.SpanID == [8]byte{} {
		v.batch.Lost[LossSpanID]++
		return nil
	}
	v.batch.Spans = append(v.batch.Spans, Span{
		TraceID:  s.TraceID,
		SpanID:   s.SpanID,
		ParentID: s.ParentID,
		Kind:     Kind(s.Kind),
		Error:    s.Error,
		Service:  v.resource.service,
		Keys:     v.resource.keys,
		Start:    s.Start,
		End:      s.End,
		Adjusted: adjustedCount(s.TraceState, v.options.MaxAdjusted),
	})
	out := &v.batch.Spans[len(v.batch.Spans)-1]
	if v.options.SamplerParam && s.TraceState == "" {
		out.Adjusted = samplerCount(s.Attributes, v.options.MaxAdjusted)
	}
	if out.Kind.Calls() || out.Kind.Serves() {
		out.Peer, out.PeerKind = v.peer(out.Kind, s.Attributes)
	}
	return nil
}
