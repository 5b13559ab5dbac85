package worlds

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bound is what a figure must lie between for a world to be accepted.
type Bound struct {
	Name      string
	Low, High float64
	Of        func(*Figures) float64
}

// Bounds are those of a world: of A, B and C the same, of N those that mean something
// without calls, and that neighbours have nothing in common.
func Bounds(world string) []Bound {
	list := []Bound{
		{"persistence R², first step", 0.4, 0.8, func(f *Figures) float64 { return f.Persistence[0] }},
		{"autocorrelation, 1 slice", 0.7, 0.97, func(f *Figures) float64 { return f.Autocorrelation[1] }},
		{"autocorrelation, 15 slices", 0.15, 0.8, func(f *Figures) float64 { return f.Autocorrelation[15] }},
		{"autocorrelation, 60 slices", 0.05, 0.7, func(f *Figures) float64 { return f.Autocorrelation[60] }},
		{"rank correlation with load", 0.1, 0.9, func(f *Figures) float64 { return f.LoadRank }},
		{"rank correlation with CPU", 0.1, 0.9, func(f *Figures) float64 { return f.CPURank }},
		{"p99/p50 of calls", 2, 60, func(f *Figures) float64 { return f.CallTail }},
		{"share of incidents with a precursor", 0.4, 0.6, func(f *Figures) float64 { return f.Precursors }},
		{"missing response times", 0.001, 0.2, func(f *Figures) float64 { return f.Missing }},
	}
	if world == "N" {
		list[0].High = 0.9 // nothing but its own queue moves a service: its past tells more
		return append(list, Bound{"neighbours save, 6 slices ahead", -0.02, 0.005, func(f *Figures) float64 { return f.GraphGain6 }}, Bound{"rank correlation of neighbours' changes", -0.01, 0.01, func(f *Figures) float64 { return f.NeighbourRank }})
	}
	return append(list,
		Bound{"fan-in tail exponent", 1.5, 4, func(f *Figures) float64 { return f.FanInTail }},
		Bound{"mean depth of calls", 1.5, 6, func(f *Figures) float64 { return f.MeanDepth }},
		Bound{"callee and caller together", 0.1, 0.95, func(f *Figures) float64 { return f.Together }},
		Bound{"callee's lead less its lag", -0.02, 0.5, func(f *Figures) float64 { return f.Leads - f.Follows }},
		Bound{"neighbours save, 6 slices ahead", 0.005, 0.5, func(f *Figures) float64 { return f.GraphGain6 }},
		Bound{"retry amplification, mean", 1, 1.2, func(f *Figures) float64 { return f.Retries.Mean }},
		Bound{"retry amplification, most", 1.02, 4, func(f *Figures) float64 { return f.Retries.Most }},
		Bound{"rank correlation of neighbours' changes", 0.1, 0.95, func(f *Figures) float64 { return f.NeighbourRank }},
	)
}

// Check returns what lies outside its bounds, a line each.
func (f *Figures) Check() []string {
	var wrong []string
	for _, b := range Bounds(f.World) {
		if x := b.Of(f); !(x >= b.Low && x <= b.High) {
			wrong = append(wrong, fmt.Sprintf("world %s: %s is %.3f, expected %g to %g", f.World, b.Name, x, b.Low, b.High))
		}
	}
	return wrong
}

// String is a table of all figures.
func (f *Figures) String() string {
	var b strings.Builder
	row := func(name, format string, values ...any) {
		fmt.Fprintf(&b, "%-42s "+format+"\n", append([]any{name}, values...)...)
	}
	for _, bound := range Bounds(f.World) {
		row(bound.Name, "%.3f (%g to %g)", bound.Of(f), bound.Low, bound.High)
	}
	row("persistence R² by horizon", "%.2f", f.Persistence)
	row("the same, test part", "%.2f", f.PersistenceTest)
	row("the same, true means", "%.2f", f.PersistenceTrue)
	row("log deviation, sampling noise", "%.3f, %.3f", f.Deviation, f.Noise)
	row("callee and caller: together, leads, follows", "%.3f, %.3f, %.3f", f.Together, f.Leads, f.Follows)
	row("neighbours save, 1 and 6 slices ahead", "%.3f, %.3f", f.GraphGain, f.GraphGain6)
	row("fan-in: exponent, most", "%.2f, %d", f.FanInTail, f.FanInMost)
	row("depth of calls: mean, most", "%.2f, %d", f.MeanDepth, f.Deepest)
	row("retry amplification: mean, p99, most", "%.4f, %.3f, %.3f", f.Retries.Mean, f.Retries.P99, f.Retries.Most)
	row("incidents", "%v", shares(f.Incidents))
	row("horizon: error of persistence, F1, F0; F1's coverage", "")
	for h, x := range f.Floors {
		row(fmt.Sprintf("  %d", h+1), "%.4f %.4f %.4f %.3f", x.Persistence, x.F1, x.F0, x.Coverage)
	}
	return b.String()
}

// shares writes shares by name in a fixed order.
func shares(m map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %.3f", name, m[name]))
	}
	return strings.Join(parts, ", ")
}
