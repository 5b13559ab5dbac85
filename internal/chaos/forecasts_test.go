package chaos

import (
	"testing"

	"presage/windower/slice"
)

// What no method can forecast is not missed: a service without a value in the last slices.
func TestObserved(t *testing.T) {
	busy, idle := slice.NewColumn(1), slice.NewColumn(1)
	busy.Set(0, 12)
	r := &reading{width: 10, snapshots: map[int64]*slice.Snapshot{
		7:  {Nodes: slice.Nodes{Service: []string{"cart"}, Mean: busy, Requests: idle}},
		10: {Nodes: slice.Nodes{Service: []string{"cart"}, Mean: idle, Requests: busy}},
	}}
	for start, want := range map[int64][2]bool{60: {false, false}, 70: {true, false}, 100: {true, true}, 110: {false, true}, 130: {false, true}, 140: {false, false}} {
		for i, target := range []string{"response_time", "requests"} {
			if got := r.observed(said{"cart", target, start}); got != want[i] {
				t.Errorf("slice at %d, %s: observed %v, want %v", start, target, got, want[i])
			}
		}
		if r.observed(said{"shop", "requests", start}) {
			t.Error("a service that is not there was observed")
		}
	}
}
