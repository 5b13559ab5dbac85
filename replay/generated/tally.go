package generated

// meter is what the v2022 rate tables count at an instance.
type meter int

const (
	servedRPC meter = iota
	servedHTTP
	clientRPC
	writeCache
	readCache
	writeDatabase
	readDatabase
	consumed
	produced
	meters
)

// metered is a number of calls and their time.
type metered struct{ count, nanos int64 }

// add counts a call.
func (m *metered) add(from, to int64) {
	m.count++
	m.nanos += to - from
}

// instanceTally is what a minute brought to one replica.
type instanceTally struct {
	meters  [meters]metered
	cpu     float64 // core seconds
	seconds float64
}

// tally adds up a minute by service and replica id.
type tally struct {
	w  *world
	by []map[uint64]*instanceTally
}

// newTally makes an empty tally.
func newTally(w *world) *tally {
	t := &tally{w: w, by: make([]map[uint64]*instanceTally, len(w.services))}
	t.reset()
	return t
}

// reset forgets the minute.
func (t *tally) reset() {
	for i := range t.by {
		t.by[i] = map[uint64]*instanceTally{}
	}
}

// of returns a replica's tally.
func (t *tally) of(s *State, service, rep int) *instanceTally {
	id := s.Services[service].Replicas[rep].ID
	in := t.by[service][id]
	if in == nil {
		in = &instanceTally{}
		t.by[service][id] = in
	}
	return in
}

// tick books the CPU time of a tick.
func (t *tally) tick(s *State, _ *Tick) {
	for i := range t.w.services {
		if t.w.services[i].kind != kindApp {
			continue
		}
		for k := range s.Services[i].Replicas {
			rep := &s.Services[i].Replicas[k]
			in := t.of(s, i, k)
			in.cpu += rep.CPU
			in.seconds += rep.Since
			rep.CPU, rep.Since = 0, 0
		}
	}
}

// call books a call at both ends.
func (t *tally) call(s *State, calls []call, c *call) {
	if c.parent >= 0 {
		client := t.of(s, calls[c.parent].node.service, int(c.caller))
		kind := clientRPC
		switch c.node.kind {
		case callCache:
			kind = readCache
		case callDatabase:
			kind = readDatabase
		case callQueue:
			kind = produced
		}
		client.meters[kind].add(c.sent, c.got)
	}
	if !c.served || t.w.services[c.node.service].kind != kindApp {
		return
	}
	server := t.of(s, c.node.service, int(c.callee))
	kind := servedRPC
	switch c.node.kind {
	case callHTTP:
		kind = servedHTTP
	case callQueue:
		kind = consumed
	}
	server.meters[kind].add(c.begun, c.done)
}

// each visits the replicas that are there, in order.
func (t *tally) each(s *State, visit func(service, rep int, in *instanceTally)) {
	for i := range t.w.services {
		if t.w.services[i].kind != kindApp {
			continue
		}
		for k := range s.Services[i].Replicas {
			visit(i, k, t.of(s, i, k))
		}
	}
}
