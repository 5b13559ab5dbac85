package simulated

import (
	"math"
	"testing"
	"time"

	"presage/replay/generated/worlds"
)

func TestWorldBecomesSteps(t *testing.T) {
	nan := float32(math.NaN())
	d := &worlds.Data{
		World: worlds.World{Slices: 3, Width: time.Minute}, Nodes: []worlds.Node{{Name: "a"}, {Name: "b"}, {Name: "store", Store: true}},
		Edges: []worlds.Edge{{Caller: 0, Callee: 1}, {Caller: 1, Callee: 2}},
	}
	fill := func(v ...float32) []float32 { return v }
	d.Response = fill(1, 2, nan, 3, nan, nan, 5, 6, nan)
	d.True = fill(1, 2, nan, 3, 4, nan, 5, 6, nan)
	d.Requests, d.Errors, d.CPU, d.Memory, d.Replicas = d.Response, d.Response, d.Response, d.Response, d.Response
	d.EdgeCalls, d.EdgeErrors, d.EdgeMs = fill(4, 2, nan, 0, 1, 1), fill(0, 0, nan, nan, 0, 0), fill(9, 8, nan, nan, 7, 7)
	d.Future = worlds.Future{Origins: []int{0}, Horizons: 1, Low: fill(1, 1, nan), Median: fill(2, 3, nan), High: fill(4, 4, nan)}

	steps := Steps(d)
	if len(steps) != 3 || steps[1].At-steps[0].At != int64(time.Minute) || len(steps[0].Services) != 3 {
		t.Fatalf("%d steps", len(steps))
	}
	if v, ok := steps[0].Value(1, 0); !ok || v != 2 {
		t.Errorf("b's response time is %g", v)
	}
	if _, ok := steps[1].Value(1, 0); ok {
		t.Error("a missing value was observed")
	}
	g := steps[0].Graph
	if len(g.Col) != 2 || g.RowPtr[1] != 1 || g.RowPtr[2] != 2 || g.RowPtr[3] != 2 || g.MeanMs[0] != 9 || len(steps[1].Graph.Col) != 0 {
		t.Errorf("graph %+v", g)
	}

	floors := Floors(d)
	at := floors[0].Origins[0]
	if at != steps[0].At {
		t.Fatalf("the floor's origin is %d, the slice's start %d", at, steps[0].At)
	}
	if v, _, _ := floors[0].At(at, "b", 0); v != 4 {
		t.Errorf("F0 of b is %g, want its true mean a slice later", v)
	}
	if v, low, high := floors[1].At(at, "b", 0); v != 3 || low != 1 || high != 4 {
		t.Errorf("F1 of b is %g in [%g, %g]", v, low, high)
	}
	for _, f := range floors {
		if v, _, _ := f.At(steps[1].At, "b", 0); v == v {
			t.Errorf("%s speaks of an origin at which it was not measured", f.Name)
		}
	}
}
