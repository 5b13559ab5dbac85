package model

import (
	"math"
	"reflect"
	"testing"

	"presage/windower/slice"
)

func column(values ...float64) slice.Column {
	c := slice.Column{}
	for _, v := range values {
		c.Valid = append(c.Valid, !math.IsNaN(v))
		if math.IsNaN(v) {
			v = 0
		}
		c.Value = append(c.Value, v)
	}
	return c
}

var nan = math.NaN()

func snapshot(index int64) *slice.Snapshot {
	return &slice.Snapshot{
		Graph: "g", Width: 10e9, Index: index, Revision: 1, Complete: true, Segment: 1,
		Nodes: slice.Nodes{
			Service: []string{"a", "b", "db"}, Virtual: []bool{false, false, true},
			Requests: column(100, 0, 7), Errors: column(25, 0, 1), Arrivals: column(110, nan, nan),
			Mean: column(12.5, nan, 3), P50: column(10, nan, nan), P95: column(40, nan, nan), P99: column(80, nan, nan),
			CPU: column(0.5, math.Inf(1), 2), Memory: column(nan, 1e9, nan), Replicas: column(3, nan, nan),
		},
		// a calls b twice over (two kinds) and db, b calls a.
		Edges: slice.Edges{
			Offset: []int32{0, 3, 4, 4}, Callee: []int32{1, 1, 2, 0}, Kind: []uint8{0, 1, 2, 0},
			Calls: []float64{30, 10, 5, 0}, Errors: []float64{3, 5, 0, 0}, Mean: []float64{10, 50, 2, 9},
		},
	}
}

func TestNewStep(t *testing.T) {
	st := NewStep(snapshot(5), nil, StepOptions{})
	type cell struct{ row, channel int }
	want := map[cell]float32{
		{0, 0}: 12.5, {0, 1}: 11, {0, 2}: 0.25, {0, 3}: 0.5, {0, 5}: 3,
		{1, 1}: 0, {1, 4}: 1e9, // no arrivals: completions; not finite: missing; no requests: no share
		{2, 3}: 2, // virtual: no channel of its own spans
	}
	for i := range st.Services {
		for c := range ServiceChannels() {
			v, ok := st.Value(i, c)
			w, there := want[cell{i, c}]
			if ok != there || float32(v) != w {
				t.Errorf("%s %s: %g (observed %t), want %g (%t)", st.Services[i], ServiceChannels()[c], v, ok, w, there)
			}
		}
	}
	g := st.Graph
	if !reflect.DeepEqual(g.RowPtr, []int32{0, 2, 3, 3}) || !reflect.DeepEqual(g.Col, []int32{1, 2, 0}) {
		t.Errorf("graph %v %v", g.RowPtr, g.Col)
	}
	if !reflect.DeepEqual(g.Weight, []float32{40, 5, 0}) || !reflect.DeepEqual(g.Errors, []float32{0.2, 0, 0}) || !reflect.DeepEqual(g.MeanMs, []float32{20, 2, 0}) {
		t.Errorf("edges %v %v %v", g.Weight, g.Errors, g.MeanMs)
	}
	if st.At != 50e9 || st.Width != 10e9 || st.Segment != 1 {
		t.Errorf("step at %d, width %d, segment %d", st.At, st.Width, st.Segment)
	}
	next := NewStep(snapshot(6), st, StepOptions{Statistic: "p95"})
	if &next.Services[0] != &st.Services[0] {
		t.Error("the same services do not share their memory")
	}
	if v, _ := next.Value(0, 0); v != 40 {
		t.Errorf("p95 %g", v)
	}
	if !st.Contiguous(next) || next.Contiguous(st) {
		t.Error("contiguity")
	}
	if (StepOptions{Statistic: "max"}).Validate() == nil {
		t.Error("an unknown statistic was taken")
	}
	empty := NewStep(&slice.Snapshot{Width: 1, Edges: slice.Edges{Offset: []int32{0}}}, nil, StepOptions{})
	if len(empty.Services) != 0 || len(empty.Graph.RowPtr) != 1 {
		t.Errorf("empty step %+v", empty)
	}
}

func TestStepperKeepsServicesThatWereJustSeen(t *testing.T) {
	p := Stepper{Keep: 3}
	first := p.Next(snapshot(5))
	for k := int64(6); k < 12; k++ {
		s := snapshot(k)
		s.Nodes = slice.Nodes{Service: []string{"b"}, Virtual: []bool{false}, Mean: column(1)}
		s.Edges = slice.Edges{Offset: []int32{0, 0}}
		st := p.Next(s)
		want := []string{"a", "b"}
		if k >= 8 {
			want = []string{"b"} // "a" was last seen three slices ago or more
		}
		if !reflect.DeepEqual(st.Services, want) {
			t.Fatalf("slice %d: services %v, want %v", k, st.Services, want)
		}
		if k < 8 {
			if _, ok := st.Value(0, 0); ok {
				t.Error("a service that is not in the slice has a value")
			}
			if v, ok := st.Value(1, 0); !ok || v != 1 {
				t.Errorf("b has %g, %t", v, ok)
			}
		}
	}
	if !reflect.DeepEqual(first.Services, []string{"a", "b", "db"}) {
		t.Errorf("first services %v", first.Services)
	}
}

func TestWithRowsMapsEdges(t *testing.T) {
	st := NewStep(snapshot(5), nil, StepOptions{}).WithRows([]string{"A", "a", "db", "z"})
	if g := st.Graph; !reflect.DeepEqual(g.RowPtr, []int32{0, 0, 1, 1, 1}) || g.Col[0] != 2 || g.Weight[0] != 5 || g.MeanMs[0] != 2 {
		t.Errorf("graph %+v", g)
	}
	if v, ok := st.Value(1, 0); !ok || v != 12.5 {
		t.Errorf("a has %g", v)
	}
}

func TestIndex(t *testing.T) {
	from, to := []string{"a", "c", "d"}, []string{"b", "c", "d", "e"}
	if got := Index(from, to); !reflect.DeepEqual(got, []int32{-1, 1, 2, -1}) {
		t.Errorf("index %v", got)
	}
	if got := Index(from, from); !reflect.DeepEqual(got, []int32{0, 1, 2}) {
		t.Errorf("index of the same %v", got)
	}
}
