package slice

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustMerge(t interface{ Fatal(...any) }, ps ...*Partial) *Partial {
	p, err := MergePartials(ps)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawPartial(t), drawPartial(t), drawPartial(t)
		before := mustMerge(t, a)
		all := mustMerge(t, a, b, c)
		for name, other := range map[string]*Partial{
			"another order": mustMerge(t, c, a, b),
			"left to right": mustMerge(t, mustMerge(t, a, b), c),
			"right to left": mustMerge(t, a, mustMerge(t, b, c)),
			"pairs":         mustMerge(t, mustMerge(t, c, a), b),
		} {
			if !reflect.DeepEqual(all, other) {
				t.Fatalf("merging in %s gives another partial", name)
			}
		}
		if !reflect.DeepEqual(before, a) {
			t.Fatal("merging changed its input")
		}
	})
}

// TestMergeCounts compares with adding everything up in maps.
func TestMergeCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ps := make([]*Partial, rapid.IntRange(1, 6).Draw(t, "partials"))
		spans, calls, buckets := map[string]int64{}, map[EdgePart]int64{}, map[string]map[uint16]int64{}
		for i := range ps {
			ps[i] = drawPartial(t)
			for _, n := range ps[i].Nodes {
				spans[n.Service] += n.Spans
				if buckets[n.Service] == nil {
					buckets[n.Service] = map[uint16]int64{}
				}
				for _, b := range n.Latency {
					buckets[n.Service][b.Index] += b.Count
				}
			}
			for _, e := range ps[i].Edges {
				calls[EdgePart{Caller: e.Caller, Callee: e.Callee, Kind: e.Kind}] += e.Calls
			}
		}
		sum := mustMerge(t, ps...)
		if len(sum.Nodes) != len(spans) || len(sum.Edges) != len(calls) {
			t.Fatalf("%d nodes and %d edges, expected %d and %d", len(sum.Nodes), len(sum.Edges), len(spans), len(calls))
		}
		for _, n := range sum.Nodes {
			if n.Spans != spans[n.Service] || len(n.Latency) != len(buckets[n.Service]) {
				t.Fatalf("node %+v, expected %d spans and %v", n, spans[n.Service], buckets[n.Service])
			}
			for _, b := range n.Latency {
				if b.Count != buckets[n.Service][b.Index] {
					t.Fatalf("bucket %+v, expected %d", b, buckets[n.Service][b.Index])
				}
			}
		}
		for _, e := range sum.Edges {
			if want := calls[EdgePart{Caller: e.Caller, Callee: e.Callee, Kind: e.Kind}]; e.Calls != want {
				t.Fatalf("edge %+v, expected %d calls", e, want)
			}
		}
		if !slices.IsSortedFunc(sum.Edges, func(a, b EdgePart) int { return compareEdges(&a, &b) }) {
			t.Fatal("edges are not sorted")
		}
	})
}

func TestMergeRefuses(t *testing.T) {
	if _, err := MergePartials(nil); err == nil {
		t.Error("merging nothing gives no error")
	}
	base := Header{Graph: "shop", Fingerprint: 1, Width: 10, Index: 7}
	for name, change := range map[string]func(*Header){
		"graph":       func(h *Header) { h.Graph = "bank" },
		"fingerprint": func(h *Header) { h.Fingerprint++ },
		"width":       func(h *Header) { h.Width++ },
		"slice":       func(h *Header) { h.Index++ },
	} {
		other := base
		change(&other)
		_, err := MergePartials([]*Partial{{Header: base}, {Header: other}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("another %s: error %v does not say so", name, err)
		}
	}
}

func TestMergeResources(t *testing.T) {
	early := ResourcePart{Keys: []string{"pod:1"}, Metric: 1, Cumulative: true, Points: 1, LastTime: 10, LastValue: 100}
	late := ResourcePart{Keys: []string{"pod:1", "deployment:x/y"}, Service: "cart", Metric: 1, Cumulative: true, Points: 2, LastTime: 20, LastValue: 5}
	other := ResourcePart{Keys: []string{"pod:1"}, Metric: 2, Points: 1, Total: Sum{Lo: 7}}
	sum := mustMerge(t, &Partial{Resources: []ResourcePart{early, other}}, &Partial{Resources: []ResourcePart{late}})
	want := []ResourcePart{
		{Keys: late.Keys, Service: "cart", Metric: 1, Cumulative: true, Points: 3, LastTime: 20, LastValue: 5},
		other,
	}
	if !reflect.DeepEqual(sum.Resources, want) {
		t.Errorf("got %+v\nwant %+v", sum.Resources, want)
	}
}
