package generated

import (
	"fmt"
	"slices"
	"strings"
)

// Describe says in a line what system the generator runs: services, stores, edges,
// entries, expected rates.
func (g *Generator) Describe() string { return g.w.describe() }

func (w *world) describe() string {
	var stores, edges, fan int
	used := make([]bool, len(w.edges))
	for _, p := range w.places {
		if e := w.node(p).edge; e >= 0 {
			used[e] = true
		}
	}
	fans := make([]int, 0, w.opt.Services)
	for s := range w.services {
		in := 0
		for _, e := range w.incoming[s] {
			if used[e] {
				in++
			}
		}
		edges += in
		fan = max(fan, in)
		if w.services[s].kind != kindApp && in > 0 {
			stores++
		}
		if in > 0 {
			fans = append(fans, in)
		}
	}
	slices.Sort(fans)
	var b strings.Builder
	fmt.Fprintf(&b, "%d services and %d stores, %d caller-callee pairs (fan-in median %d, most %d), ", w.opt.Services, stores, edges, fans[len(fans)/2], fan)
	fmt.Fprintf(&b, "%d APIs, %.1f spans a trace, %.1f traces and %.0f spans a second on average", len(w.apis), w.perTrace, w.rate*w.opt.Sampling, w.opt.Rate)
	return b.String()
}
