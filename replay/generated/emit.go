package generated

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"presage/ingest/otlp"
	"presage/replay"
)

// The span kinds in OTLP's numbers.
const (
	spanServer   = 2
	spanClient   = 3
	spanProducer = 4
	spanConsumer = 5
)

// labels are a node's names and attributes, made once.
type labels struct {
	client, server         string
	clientKind, serverKind uint8
	clientGood, clientBad  []otlp.KeyValue
	clientLate             []otlp.KeyValue
	serverGood, serverBad  []otlp.KeyValue
}

// emitter turns calls into spans as the OpenTelemetry SDKs would send them.
type emitter struct {
	w      *world
	labels map[*callNode]*labels
	pods   [][]pod // by service and replica
	state  string  // tracestate
	spans  []replay.Span
	ids    []spanID
}

type spanID = [8]byte

// pod is what one replica's telemetry says of where it comes from.
type pod struct {
	id        uint64
	resource  []otlp.KeyValue // of spans
	container []otlp.KeyValue // of container metrics
}

// slab is how many spans are allocated together. They are freed together, too: a
// reader that keeps one span keeps its slab.
const slab = 256

// newEmitter prepares the labels of every node.
func newEmitter(w *world) *emitter {
	e := &emitter{w: w, labels: map[*callNode]*labels{}, pods: make([][]pod, len(w.services))}
	for a := range w.apis {
		for v := range w.apis[a].variants {
			nodes := w.apis[a].variants[v].nodes
			for i := range nodes {
				e.labels[&nodes[i]] = w.label(&w.apis[a], &nodes[i])
			}
		}
	}
	if w.opt.Declare && w.opt.Sampling < 1 {
		e.state = "ot=th:" + threshold(w.opt.Sampling)
	}
	return e
}

// threshold is the rejection threshold of the W3C's ot=th for a sampling share: 56
// bits in hex, trailing zeros dropped.
func threshold(share float64) string {
	th := strconv.FormatUint(1<<56+uint64(float64((1-share)*(1<<56))), 16)[1:]
	if th = strings.TrimRight(th, "0"); th == "" {
		return "0"
	}
	return th
}

// label makes a node's names and attributes.
func (w *world) label(a *api, n *callNode) *labels {
	callee := &w.services[n.service]
	service, method, _ := strings.Cut(n.route, "/")
	l := &labels{clientKind: spanClient, serverKind: spanServer}
	server := otlp.String("server.address", callee.name)
	switch {
	case n.edge < 0 || n.kind == callHTTP:
		route := "/" + service + "/" + method
		if n.edge < 0 {
			route = a.name
		}
		l.client, l.server = "GET", "GET "+route
		base := otlp.String("http.request.method", "GET")
		l.clientGood = []otlp.KeyValue{base, server, otlp.Int("http.response.status_code", 200)}
		l.clientBad = []otlp.KeyValue{base, server, otlp.Int("http.response.status_code", 503), otlp.String("error.type", "503")}
		l.clientLate = []otlp.KeyValue{base, server, otlp.String("error.type", "timeout")}
		l.serverGood = []otlp.KeyValue{base, otlp.String("http.route", route), otlp.Int("http.response.status_code", 200)}
		l.serverBad = []otlp.KeyValue{base, otlp.String("http.route", route), otlp.Int("http.response.status_code", 503), otlp.String("error.type", "503")}
	case n.kind == callRPC:
		l.client = n.route
		l.server = l.client
		base := []otlp.KeyValue{otlp.String("rpc.system", "grpc"), otlp.String("rpc.service", service), otlp.String("rpc.method", method)}
		with := func(more ...otlp.KeyValue) []otlp.KeyValue { return append(base[:3:3], more...) }
		l.clientGood = with(server, otlp.Int("rpc.grpc.status_code", 0))
		l.clientBad = with(server, otlp.Int("rpc.grpc.status_code", 14))
		l.clientLate = with(server, otlp.Int("rpc.grpc.status_code", 4))
		l.serverGood = with(otlp.Int("rpc.grpc.status_code", 0))
		l.serverBad = with(otlp.Int("rpc.grpc.status_code", 14))
	case n.kind == callQueue:
		topic := callee.name + "-events"
		l.clientKind, l.serverKind = spanProducer, spanConsumer
		l.client, l.server = "send "+topic, "process "+topic
		base := []otlp.KeyValue{otlp.String("messaging.system", "kafka"), otlp.String("messaging.destination.name", topic)}
		with := func(more ...otlp.KeyValue) []otlp.KeyValue { return append(base[:2:2], more...) }
		l.clientGood = with(otlp.String("messaging.operation.type", "send"))
		l.clientBad, l.clientLate = l.clientGood, l.clientGood
		l.serverGood = with(otlp.String("messaging.operation.type", "process"))
		l.serverBad = with(otlp.String("messaging.operation.type", "process"), otlp.String("error.type", "processing"))
	default:
		verb := "SELECT"
		if n.kind == callCache {
			verb = "GET"
		}
		l.client = verb + " " + method
		l.clientGood = []otlp.KeyValue{otlp.String("db.system.name", callee.system), otlp.String("db.operation.name", verb), otlp.String("service.peer.name", callee.name)}
		l.clientBad = append(l.clientGood[:3:3], otlp.String("error.type", "connection"))
		l.clientLate = append(l.clientGood[:3:3], otlp.String("error.type", "timeout"))
	}
	return l
}

// trace appends a trace's spans, still in the order of the calls. Start is the
// tick's, r draws the ids, and out gets every span.
func (e *emitter) trace(calls []call, s *State, start int64, r *Rand, out func(*replay.Span)) {
	var trace [16]byte
	binary.LittleEndian.PutUint64(trace[:8], r.bits())
	binary.LittleEndian.PutUint64(trace[8:], r.bits()|1) // never zero
	e.ids = e.ids[:0]
	for i := range calls {
		c := &calls[i]
		l := e.labels[c.node]
		server := newSpanID(r)
		e.ids = append(e.ids, server)
		var parent spanID
		if c.parent >= 0 {
			up := &calls[c.parent]
			parent = newSpanID(r)
			span := e.span(trace, parent, s, up.node.service, int(c.caller))
			span.ParentID = e.ids[c.parent]
			span.Name, span.Kind, span.Error = l.client, l.clientKind, c.failed
			span.Attributes = l.clientGood
			switch {
			case c.late:
				span.Attributes = l.clientLate
			case c.failed:
				span.Attributes = l.clientBad
			}
			span.Start, span.End = e.times(s, up.node.service, int(c.caller), start, c.sent, c.got)
			out(span)
		}
		if !c.served || e.w.services[c.node.service].kind != kindApp {
			continue
		}
		span := e.span(trace, server, s, c.node.service, int(c.callee))
		span.ParentID = parent
		span.Name, span.Kind, span.Error = l.server, l.serverKind, c.broken
		span.Attributes = l.serverGood
		if c.broken {
			span.Attributes = l.serverBad
		}
		span.Start, span.End = e.times(s, c.node.service, int(c.callee), start, c.begun, c.done)
		out(span)
	}
}

// span takes a span from the slab.
func (e *emitter) span(trace [16]byte, id spanID, s *State, service, rep int) *replay.Span {
	if len(e.spans) == cap(e.spans) {
		e.spans = make([]replay.Span, 0, slab)
	}
	e.spans = e.spans[:len(e.spans)+1]
	span := &e.spans[len(e.spans)-1]
	span.TraceID, span.SpanID, span.TraceState = trace, id, e.state
	span.Resource = e.pod(s, service, rep).resource
	return span
}

// times stamps a span by the clock of the host it ran on.
func (e *emitter) times(s *State, service, rep int, start, from, to int64) (int64, int64) {
	skew := s.Hosts[s.Services[service].Replicas[rep].Host].Skew
	return start + skew + from, start + skew + max(from, to)
}

// newSpanID draws a span id that is not zero.
func newSpanID(r *Rand) (id spanID) {
	binary.LittleEndian.PutUint64(id[:], r.bits()|1<<63)
	return id
}

// pod returns what a replica's telemetry says of itself.
func (e *emitter) pod(s *State, service, rep int) *pod {
	id := s.Services[service].Replicas[rep].ID
	for len(e.pods[service]) <= rep {
		e.pods[service] = append(e.pods[service], pod{})
	}
	p := &e.pods[service][rep]
	if p.id != id {
		*p = e.w.newPod(service, id)
	}
	return p
}

// newPod names a pod as Kubernetes does.
func (w *world) newPod(service int, id uint64) pod {
	name := w.services[service].name
	r := NewRand(w.opt.Seed^id, uint64(service)+100)
	var raw [48]byte
	for i := 0; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], r.bits())
	}
	digits := hex.EncodeToString(raw[:])
	uid := digits[:8] + "-" + digits[8:12] + "-4" + digits[13:16] + "-a" + digits[17:20] + "-" + digits[20:32]
	podName := name + "-" + digits[32:41] + "-" + digits[41:46]
	shared := []otlp.KeyValue{
		otlp.String("k8s.namespace.name", w.opt.Namespace),
		otlp.String("k8s.pod.name", podName),
		otlp.String("k8s.pod.uid", uid),
		otlp.String("k8s.container.name", name),
		otlp.String("container.id", digits[32:]),
	}
	resource := []otlp.KeyValue{
		otlp.String("service.name", name),
		otlp.String("service.namespace", w.opt.Namespace),
		otlp.String("service.instance.id", w.opt.Namespace+"."+podName+"."+name),
	}
	return pod{id: id, resource: append(resource, shared...), container: shared}
}
