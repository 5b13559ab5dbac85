package pair

import (
	"presage/ingest"
	"presage/windower/slice"
)

// Key joins the halves of a call: the trace and the calling half's span id.
type Key struct {
	Trace ingest.TraceID
	Span  ingest.SpanID
}

// Half is one end of a call.
type Half struct {
	Key      Key
	Slice    int64 // index of the slice in which the span ended
	Service  string
	Peer     string // the other end's name; empty if the span doesn't tell
	PeerKind ingest.PeerKind
	Kind     ingest.Kind // one that Calls or Serves
	Error    bool
	Adjusted int64 // calls that the span stands for, 1/256
	Duration int64 // nanoseconds
}

// KeyOf gives the key under which a calling or serving span meets its other
// half. ok is false for a serving span without a parent: nobody will come for it.
func KeyOf(s *ingest.Span) (k Key, ok bool) {
	if s.Kind.Serves() {
		return Key{s.TraceID, s.ParentID}, s.ParentID != ingest.SpanID{}
	}
	return Key{s.TraceID, s.SpanID}, true
}

// Call is one call from a service to another, to be counted in a slice.
type Call struct {
	Slice          int64
	Caller, Callee string
	Kind           slice.EdgeKind
	Error          bool
	Adjusted       int64 // 1/256
	Duration       int64 // nanoseconds
}

// paired is the call that two halves make. The serving half tells when, how
// often, how long and whether it failed.
func paired(c, s *Half) Call {
	kind := slice.Call
	if c.Kind == ingest.KindProducer || s.Kind == ingest.KindConsumer {
		kind = slice.Queue
	}
	return Call{s.Slice, c.Service, s.Service, kind, s.Error, s.Adjusted, s.Duration}
}

// OneSided is the call that a half makes alone, to or from the peer it names.
// ok is false if it names none.
func OneSided(h *Half) (c Call, ok bool) {
	if h.Peer == "" {
		return Call{}, false
	}
	kind := slice.Virtual
	switch h.PeerKind {
	case ingest.PeerDatabase:
		kind = slice.Database
	case ingest.PeerQueue:
		kind = slice.Queue
	}
	c = Call{h.Slice, h.Service, h.Peer, kind, h.Error, h.Adjusted, h.Duration}
	if h.Kind.Serves() {
		c.Caller, c.Callee = h.Peer, h.Service
	}
	return c, true
}

// FromRoot is the call that a serving half without a parent makes at once: from
// its peer, or from the user.
func FromRoot(h *Half) Call {
	if c, ok := OneSided(h); ok {
		return c
	}
	return Call{h.Slice, slice.User, h.Service, slice.Virtual, h.Error, h.Adjusted, h.Duration}
}
