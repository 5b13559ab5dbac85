package arena_test

import (
	"testing"

	"pgregory.net/rapid"

	"presage/model/tensor/arena"
)

// TestSlicesAreApart: no two slices between two resets share an element.
func TestSlicesAreApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a arena.Arena[int]
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			a.Reset()
			var taken [][]int
			for i, n := range rapid.SliceOf(rapid.IntRange(0, 700)).Draw(t, "sizes") {
				s := a.Take(n)
				if len(s) != n || cap(s) != n {
					t.Fatalf("%d elements of capacity %d, expected %d", len(s), cap(s), n)
				}
				for k := range s {
					s[k] = i
				}
				taken = append(taken, s)
			}
			for i, s := range taken {
				for _, v := range s {
					if v != i {
						t.Fatalf("slice %d holds an element of slice %d", i, v)
					}
				}
			}
		}
	})
}

func TestStepsOfEqualSizeAllocateOnce(t *testing.T) {
	a := arena.Arena[float32]{Least: 100}
	step := func() {
		a.Reset()
		for _, n := range []int{3, 1000, 0, 90, 20, 5000} {
			a.Take(n)
		}
	}
	step()
	held := a.Held()
	if got := testing.AllocsPerRun(10, step); got != 0 || a.Held() != held {
		t.Errorf("%v allocations a step, %d elements held, then %d", got, held, a.Held())
	}
}
