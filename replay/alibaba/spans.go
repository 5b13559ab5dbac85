package alibaba

import (
	"encoding/binary"
	"time"

	"presage/ingest/otlp"
	"presage/replay"
)

// OTLP's span kinds.
const (
	spanInternal = 1
	spanServer   = 2
	spanClient   = 3
	spanProducer = 4
	spanConsumer = 5
)

// spanner makes spans of calls. What spans have in common, they share.
type spanner struct {
	names      *vocabulary
	opts       *Options
	state      string // tracestate
	resources  map[uint64][]otlp.KeyValue
	attributes map[uint64][]otlp.KeyValue
	slab       []replay.Span
	servers    []serverCount
	unnamed    int64 // halves of unknown services left out because the other half is there
	emit       func(*replay.Span)
}

type serverCount struct {
	service name
	n       uint64
}

func newSpanner(n *vocabulary, opts *Options, state string, emit func(*replay.Span)) *spanner {
	return &spanner{names: n, opts: opts, state: state, emit: emit,
		resources: make(map[uint64][]otlp.KeyValue), attributes: make(map[uint64][]otlp.KeyValue)}
}

// calls makes the spans of the calls of one (trace, rpc id).
//
// A server span's parent is the client span of its own call, whether that was
// recorded or not; a client or internal span's parent is the server span of the call above. Ids are
// hashes, so that spans find each other however far apart their rows are.
func (s *spanner) calls(a *address, calls []call) {
	s.servers = s.servers[:0]
	for i := range calls {
		c := &calls[i]
		if c.kind == kindInternal {
			s.internal(a, c)
			continue
		}
		client, server := c.client, c.server
		if client != nil && server != nil {
			switch {
			case c.caller <= user:
				client = nil
				s.unnamed++
			case c.callee == unknown:
				server = nil
				s.unnamed++
			}
		}
		id := s.id(a.Trace, a.RPC, s.names.services.hashes[c.caller], mix(uint64(i)+2), 'c')
		if client != nil {
			s.client(a, c, client, id)
		}
		if server != nil {
			s.server(a, c, server, id, client != nil)
		}
	}
}

func (s *spanner) client(a *address, c *call, r *row, id [8]byte) {
	out := s.span(a, r, c.caller, r.CallerPod, id)
	out.Kind = spanClient
	if c.kind == kindQueue {
		out.Kind = spanProducer
	}
	out.ParentID = s.above(a, c.caller)
	out.Attributes = s.peer(c.kind, c.callee, true)
	s.emit(out)
}

func (s *spanner) server(a *address, c *call, r *row, client [8]byte, paired bool) {
	out := s.span(a, r, c.callee, r.CalleePod, s.serverID(a, c.callee))
	out.Kind = spanServer
	if c.kind == kindQueue {
		out.Kind = spanConsumer
	}
	switch {
	case paired:
		out.ParentID = client
		out.Attributes = s.peer(c.kind, c.caller, false)
	case c.caller == user:
		// A span without a parent and without a peer is called from outside.
		out.Attributes = nil
	default:
		out.ParentID = client
		out.Attributes = s.peer(c.kind, c.caller, true)
	}
	s.emit(out)
}

// internal makes the span of a userDefined row, of the service that its names give.
func (s *spanner) internal(a *address, c *call) {
	service, pod := c.caller, c.client.CallerPod
	if service == unknown {
		service, pod = c.callee, c.client.CalleePod
	}
	out := s.span(a, c.client, service, pod, s.serverID(a, service))
	out.Kind = spanInternal
	out.ParentID = s.above(a, service)
	s.emit(out)
}

func (s *spanner) span(a *address, r *row, service, pod name, id [8]byte) *replay.Span {
	if len(s.slab) == 0 {
		s.slab = make([]replay.Span, 128)
	}
	out := &s.slab[0]
	s.slab = s.slab[1:]
	out.Resource = s.resource(service, pod)
	out.TraceID, out.SpanID, out.TraceState = a.Trace, id, s.state
	out.Start = s.opts.nanos(r.Start)
	out.End = out.Start + r.Duration
	out.Name = kindNames[r.Kind]
	if r.Interface != unknown {
		out.Name = s.names.interfaces.text(r.Interface)
	}
	return out
}

// above is the id of the span that made a call: the first serving span of the call
// above at the same service.
func (s *spanner) above(a *address, service name) [8]byte {
	if a.Parent == 0 {
		return [8]byte{}
	}
	return s.id(a.Trace, a.Parent, s.names.services.hashes[service], 1, 's')
}

// serverID counts the serving spans of each service at this (trace, rpc id).
func (s *spanner) serverID(a *address, service name) [8]byte {
	n := uint64(0)
	for i := range s.servers {
		if s.servers[i].service == service {
			s.servers[i].n++
			n = s.servers[i].n
		}
	}
	if n == 0 {
		s.servers = append(s.servers, serverCount{service, 1})
		n = 1
	}
	return s.id(a.Trace, a.RPC, s.names.services.hashes[service], n, 's')
}

func (s *spanner) id(trace [16]byte, rpc, service, ordinal uint64, side byte) (id [8]byte) {
	h := mix(binary.LittleEndian.Uint64(trace[:]) ^ mix(binary.LittleEndian.Uint64(trace[8:])+rpc))
	h = mix(h ^ service)
	h = mix(h ^ ordinal<<8 ^ uint64(side))
	binary.BigEndian.PutUint64(id[:], h)
	return id
}

// maxShared bounds what is kept of resources and attributes.
const maxShared = 1 << 20

func (s *spanner) resource(service, pod name) []otlp.KeyValue {
	key := uint64(service)<<32 | uint64(pod)
	if r, ok := s.resources[key]; ok {
		return r
	}
	if len(s.resources) >= maxShared {
		clear(s.resources)
	}
	r := []otlp.KeyValue{otlp.String("service.name", s.names.services.text(service))}
	if pod > user {
		r = append(r, otlp.String("service.instance.id", s.names.pods.text(pod)), otlp.String("container.id", s.names.pods.text(pod)))
	}
	s.resources[key] = r
	return r
}

// peer are the attributes of a half: the call's kind and, if named, the other side.
func (s *spanner) peer(k kind, other name, named bool) []otlp.KeyValue {
	key := uint64(other)<<16 | uint64(k)<<8
	if named {
		key |= 1
	} else {
		key &= 0xff00
	}
	if a, ok := s.attributes[key]; ok {
		return a
	}
	if len(s.attributes) >= maxShared {
		clear(s.attributes)
	}
	var a []otlp.KeyValue
	switch k {
	case kindCache, kindDatabase:
		a = append(a, otlp.String("db.system.name", kindNames[k]))
	case kindQueue:
		a = append(a, otlp.String("messaging.system", kindNames[k]))
	case kindRPC:
		a = append(a, otlp.String("rpc.system", kindNames[k]))
	}
	if named {
		a = append(a, otlp.String("service.peer.name", s.names.services.text(other)))
	}
	s.attributes[key] = a
	return a
}

// millis is a duration of the trace in nanoseconds.
func millis(v float64) int64 { return int64(v * float64(time.Millisecond)) }
