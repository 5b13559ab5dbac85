package rewired

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestDegreesStayAndEdgesMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 12).Draw(t, "services")
		var all []edge
		for i := range n {
			for j := range n {
				if i != j && rapid.Bool().Draw(t, "edge") {
					all = append(all, edge{fmt.Sprintf("s%02d", i), fmt.Sprintf("s%02d", j)})
				}
			}
		}
		callee := exchange(all, rand.New(rand.NewPCG(1, 2)))
		in, seen := map[string]int{}, map[edge]bool{}
		for _, e := range all {
			to := edge{e.from, callee[e]}
			if to.from == to.to || seen[to] {
				t.Fatalf("%v became %v", e, to)
			}
			seen[to] = true
			in[e.to]++
			in[to.to]--
		}
		for name, d := range in {
			if d != 0 {
				t.Fatalf("%s lost %d callers", name, d)
			}
		}
	})
}
