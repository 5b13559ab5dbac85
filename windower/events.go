package windower

import (
	"presage/ingest"
	"presage/windower/pair"
)

// events counts what a record holds.
func (p *Partition) events(b *ingest.Batch, out *Output) {
	latest := p.latest
	for i := range b.Spans {
		if t, ok := p.judge(&b.Spans[i], b.Time); ok {
			// Duplicates too: time must not depend on what is remembered.
			latest = max(latest, t)
			if p.span(&b.Spans[i], p.times.slice(t)) {
				out.Spans++
			}
		}
	}
	for i := range b.Samples {
		if t, ok := p.sample(&b.Samples[i], b.Time); ok {
			latest = max(latest, t)
			out.Samples++
		}
	}
	p.latest = latest
}

// judge gives the event time of a span; ok is false if it can't be counted.
func (p *Partition) judge(s *ingest.Span, recordTime int64) (event int64, ok bool) {
	event, ok = eventTime(s, recordTime)
	switch {
	case !ok:
		p.losses.add(ReasonBadTime, s.Service, 1)
		return 0, false
	case s.Service == "":
		p.losses.add(ReasonNoService, "", 1)
		return 0, false
	case p.times.slice(event) < p.lowest:
		p.losses.add(ReasonLate, s.Service, 1)
		return 0, false
	}
	return event, true
}

// span counts a span in the open slice k, unless it is a duplicate.
func (p *Partition) span(s *ingest.Span, k int64) (counted bool) {
	if p.seen != nil {
		duplicate, refused := p.seen.add(identity{s.TraceID, s.SpanID, s.Kind}, k)
		if duplicate {
			p.losses.add(ReasonDuplicate, s.Service, 1)
			return false
		}
		if refused {
			p.losses.add(ReasonSpanCap, s.Service, 1)
		}
	}
	node := p.slice(k).addSpan(s)
	if s.Kind.Serves() {
		// Not after its own slice, which a wrong clock could ask for: that one
		// is the latest that the record is known to reach.
		if start := min(max(p.times.slice(s.Start), p.lowest), k); start != k {
			node = p.slice(start).node(s.Service)
		}
		node.Arrivals += adjusted(s)
	}
	if s.Kind.Serves() || s.Kind.Calls() {
		p.half(s, k)
	}
	return true
}

func (p *Partition) half(s *ingest.Span, k int64) {
	h := pair.Half{
		Slice: k, Service: s.Service, Peer: s.Peer, PeerKind: s.PeerKind, Kind: s.Kind,
		Error: s.Error, Adjusted: adjusted(s), Duration: s.End - s.Start,
	}
	var ok bool
	if h.Key, ok = pair.KeyOf(s); !ok {
		call := pair.FromRoot(&h)
		p.slice(k).addCall(&call)
		return
	}
	r := p.halves.Add(h)
	for i := range r.Calls {
		p.slice(r.Calls[i].Slice).addCall(&r.Calls[i])
	}
	p.losses.add(ReasonPairedLate, s.Service, r.Late)
	if r.Refused {
		p.losses.add(ReasonHalfCap, s.Service, 1)
	}
}

// sample counts one sample, if it can be.
func (p *Partition) sample(s *ingest.Sample, recordTime int64) (event int64, ok bool) {
	event = clamp(s.Time, recordTime)
	k := p.times.slice(event)
	switch {
	case s.Time <= 0 || event >= latestTime:
		p.losses.add(ReasonBadTime, s.Service, 1)
		return 0, false
	case len(s.Keys) == 0 && s.Service == "":
		p.losses.add(ReasonNoResource, "", 1)
		return 0, false
	case k < p.lowest:
		p.losses.add(ReasonLate, s.Service, 1)
		return 0, false
	}
	p.slice(k).addSample(s)
	return event, true
}
