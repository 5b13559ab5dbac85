package otlp

// statusError is OTLP's STATUS_CODE_ERROR.
const statusError = 2

// AppendTraces appends an ExportTraceServiceRequest with the spans to dst and
// returns the extended slice. Messages that are appended one after the other are one
// message with all of their resources.
func AppendTraces(dst []byte, resources []ResourceSpans) []byte {
	for i := range resources {
		var resource, scope int
		dst, resource = begin(dst, 1)
		dst = appendResource(dst, resources[i].Resource)
		dst, scope = begin(dst, 2)
		for j := range resources[i].Spans {
			dst = appendSpan(dst, &resources[i].Spans[j])
		}
		dst = end(end(dst, scope), resource)
	}
	return dst
}

func appendSpan(dst []byte, s *Span) []byte {
	dst, start := begin(dst, 2)
	dst = appendID(dst, 1, s.TraceID[:])
	dst = appendID(dst, 2, s.SpanID[:])
	dst = appendString(dst, 3, s.TraceState)
	dst = appendID(dst, 4, s.ParentID[:])
	dst = appendString(dst, 5, s.Name)
	dst = appendVarint(dst, 6, uint64(s.Kind))
	dst = appendFixed64(dst, 7, uint64(s.Start))
	dst = appendFixed64(dst, 8, uint64(s.End))
	dst = appendAttributes(dst, 9, s.Attributes)
	for i := range s.Links {
		var link int
		dst, link = begin(dst, 13)
		dst = appendID(dst, 1, s.Links[i].TraceID[:])
		dst = appendID(dst, 2, s.Links[i].SpanID[:])
		dst = end(dst, link)
	}
	if s.Error {
		var status int
		dst, status = begin(dst, 15)
		dst = end(appendVarint(dst, 3, statusError), status)
	}
	return end(dst, start)
}
