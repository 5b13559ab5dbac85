package pair

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/ingest"
	"presage/windower/slice"
)

func half(kind ingest.Kind, id byte, service string, k int64) Half {
	return Half{Key: Key{Span: ingest.SpanID{id}}, Slice: k, Service: service, Kind: kind, Adjusted: 256, Duration: 10}
}

func TestStore(t *testing.T) {
	client := func(service string, k int64) Half { return half(ingest.KindClient, 1, service, k) }
	server := func(service string, k int64) Half { return half(ingest.KindServer, 1, service, k) }
	// Each step adds a half, or closes ("close") or forgets below ("forget") a slice.
	type step struct {
		add  Half
		do   string
		k    int64
		want string
	}
	for name, steps := range map[string][]step{
		"client first": {
			{add: client("a", 1), want: ""},
			{add: server("b", 2), want: "2:a->b"},
			{do: "close", k: 1, want: ""}, {do: "close", k: 2, want: ""},
		},
		"server first": {
			{add: server("b", 1), want: ""},
			{add: client("a", 2), want: "1:a->b"},
			{do: "close", k: 1, want: ""}, {do: "close", k: 2, want: ""},
		},
		"several servers": {
			{add: server("b", 1), want: ""}, {add: server("c", 1), want: ""},
			{add: client("a", 1), want: "1:a->b 1:a->c"},
			{add: server("d", 1), want: "1:a->d"},
		},
		"several clients: the earliest calls": {
			{add: client("a", 1), want: ""}, {add: client("b", 1), want: ""},
			{add: server("c", 1), want: "1:a->c"},
			{do: "close", k: 1, want: ""},
		},
		"a second client is answered by the server that was": {
			{add: server("c", 1), want: ""}, {add: client("a", 1), want: "1:a->c"}, {add: client("b", 1), want: ""},
			{do: "close", k: 1, want: ""},
		},
		"client resolved alone": {
			{add: client("a", 1), want: ""}, {do: "close", k: 1, want: "alone a"},
			{add: server("b", 2), want: "late 1"}, {add: server("b", 2), want: "late 1"},
			{do: "close", k: 2, want: ""},
		},
		"server resolved alone": {
			{add: server("b", 1), want: ""}, {add: server("c", 1), want: ""}, {do: "close", k: 1, want: "alone b alone c"},
			{add: client("a", 2), want: "late 2"}, {add: client("a", 2), want: ""},
			{do: "close", k: 2, want: ""},
		},
		"a paired client is a tombstone that still calls": {
			{add: client("a", 1), want: ""}, {add: server("b", 1), want: "1:a->b"}, {do: "close", k: 1, want: ""},
			{add: server("c", 2), want: "2:a->c"},
		},
		"forgotten": {
			{add: client("a", 1), want: ""}, {do: "close", k: 1, want: "alone a"}, {do: "forget", k: 2, want: "0 left"},
			{add: server("b", 2), want: ""}, {do: "close", k: 2, want: "alone b"},
		},
		"the earliest that is remembered": {
			{add: client("a", 1), want: ""}, {add: client("b", 3), want: ""}, {do: "close", k: 1, want: "alone a"},
			{add: server("c", 3), want: "late 1"}, {do: "forget", k: 2, want: "2 left"},
			{add: server("d", 3), want: "3:b->d"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(10)
			for i, st := range steps {
				var got string
				switch st.do {
				case "close":
					got = closing(s, st.k)
				case "forget":
					s.Forget(st.k)
					got = fmt.Sprintf("%d left", s.Len())
				default:
					got = describe(s.Add(st.add))
				}
				if got != st.want {
					t.Errorf("step %d: %q, want %q", i, got, st.want)
				}
			}
		})
	}
}

func describe(r Result) string {
	if r.Late > 0 {
		return fmt.Sprintf("late %d", r.Late)
	}
	if r.Refused {
		return "refused"
	}
	return calls(r.Calls)
}

func calls(cs []Call) (text string) {
	for i, c := range cs {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%d:%s->%s", c.Slice, c.Caller, c.Callee)
	}
	return text
}

func closing(s *Store, k int64) string {
	cs, alone, _ := s.Close(k)
	text := calls(cs)
	for i, service := range alone {
		if i > 0 || text != "" {
			text += " "
		}
		text += "alone " + service
	}
	return text
}

func TestRefusesBeyondLimit(t *testing.T) {
	s := New(2)
	for i, want := range []bool{false, false, true, true} {
		if r := s.Add(half(ingest.KindClient, byte(i), "a", 7)); r.Refused != want {
			t.Errorf("half %d refused: %t", i, r.Refused)
		}
	}
	if r := s.Add(half(ingest.KindClient, 9, "a", 8)); r.Refused {
		t.Error("the limit is not per slice")
	}
}

func TestEdges(t *testing.T) {
	for _, c := range []struct {
		h    Half
		peer string
		kind ingest.PeerKind
		want Call
	}{
		{half(ingest.KindClient, 1, "a", 1), "x", ingest.PeerService, Call{1, "a", "x", slice.Virtual, false, 256, 10}},
		{half(ingest.KindClient, 1, "a", 1), "x", ingest.PeerDatabase, Call{1, "a", "x", slice.Database, false, 256, 10}},
		{half(ingest.KindProducer, 1, "a", 1), "x", ingest.PeerQueue, Call{1, "a", "x", slice.Queue, false, 256, 10}},
		{half(ingest.KindServer, 1, "a", 1), "x", ingest.PeerService, Call{1, "x", "a", slice.Virtual, false, 256, 10}},
		{half(ingest.KindConsumer, 1, "a", 1), "x", ingest.PeerQueue, Call{1, "x", "a", slice.Queue, false, 256, 10}},
	} {
		c.h.Peer, c.h.PeerKind = c.peer, c.kind
		if got, ok := OneSided(&c.h); !ok || got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.h, got, c.want)
		}
		if got := FromRoot(&c.h); c.h.Kind.Serves() && got != c.want {
			t.Errorf("root %+v: %+v, want %+v", c.h, got, c.want)
		}
	}
	h := half(ingest.KindServer, 1, "a", 1)
	if _, ok := OneSided(&h); ok {
		t.Error("a half without a peer made a call")
	}
	if got, want := FromRoot(&h), (Call{1, slice.User, "a", slice.Virtual, false, 256, 10}); got != want {
		t.Errorf("root: %+v, want %+v", got, want)
	}
}

func TestKeyOf(t *testing.T) {
	span := ingest.Span{TraceID: ingest.TraceID{1}, SpanID: ingest.SpanID{2}, ParentID: ingest.SpanID{3}, Kind: ingest.KindClient}
	if k, ok := KeyOf(&span); !ok || k != (Key{span.TraceID, span.SpanID}) {
		t.Errorf("client: %v %t", k, ok)
	}
	span.Kind = ingest.KindConsumer
	if k, ok := KeyOf(&span); !ok || k != (Key{span.TraceID, span.ParentID}) {
		t.Errorf("consumer: %v %t", k, ok)
	}
	span.ParentID = ingest.SpanID{}
	if _, ok := KeyOf(&span); ok {
		t.Error("a root has a key")
	}
}

// TestLeavesNothing: after random use everything is forgotten, and the chains
// hold what they should at every step.
func TestLeavesNothing(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := New(5)
		low := int64(0)
		for range 200 {
			switch r.IntN(8) {
			case 0:
				s.Close(low)
				low++
			case 1:
				s.Forget(low - r.Int64N(3))
			default:
				kind := []ingest.Kind{ingest.KindClient, ingest.KindServer}[r.IntN(2)]
				s.Add(half(kind, byte(r.IntN(4)), "a", low+r.Int64N(3)))
			}
			check(t, s)
		}
		s.Forget(low + 10)
		if s.Len() != 0 || len(s.keys) != 0 || len(s.slices) != 0 {
			t.Fatalf("seed %d: %d halves, %d keys, %d slices are left", seed, s.Len(), len(s.keys), len(s.slices))
		}
	}
}

// check: the chains hold each half once, and those that wait are a suffix.
func check(t *testing.T, s *Store) {
	t.Helper()
	n := 0
	for _, m := range s.keys {
		for _, c := range []*chain{&m.calling, &m.serving} {
			var states []state
			var prev *record
			for r := c.head; r != nil; r = r.next {
				if r.prev != prev {
					t.Fatal("a chain is broken")
				}
				prev = r
				if r == c.waiting {
					states = nil
				}
				states = append(states, r.state)
				n++
			}
			if c.tail != prev {
				t.Fatal("a chain has lost its tail")
			}
			if c.waiting == nil && slices.Contains(states, waits) || c.waiting != nil && slices.Contains(states, settled) {
				t.Fatalf("waiting is set: %t, states from there: %v", c.waiting != nil, states)
			}
		}
	}
	if n != s.Len() {
		t.Fatalf("%d halves in chains, %d in slices", n, s.Len())
	}
}
