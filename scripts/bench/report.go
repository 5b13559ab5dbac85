package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The notes of a report stand between these lines, and are kept when it is made again.
const (
	notesBegin = "<!-- notes -->"
	notesEnd   = "<!-- /notes -->"
)

func notesOf(old string) string {
	_, rest, ok := strings.Cut(old, notesBegin)
	if !ok {
		return "\n"
	}
	notes, _, _ := strings.Cut(rest, notesEnd)
	return notes
}

// report is docs/performance.md.
func report(m machine, results []result, notes string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\nMade by `make bench` on %s, %d cores, with Go %s", m.CPU, m.Cores, m.Go)
	if m.Torch != "" {
		fmt.Fprintf(&b, " against PyTorch %s, eager, with %s", m.Torch, m.BLAS)
	}
	b.WriteString(". Times are medians over " + rounds(results) + " of one call, with the lowest and the highest; both sides take turns, with as many threads " +
		"each. The ratio is PyTorch's time by ours, the median over rounds: above 1 we are faster. PyTorch runs in the way and " +
		"the split of the threads that a calibration found fastest (`bench-results.json` names them); ways that are listed for information " +
		"are no baseline, even where they are faster. The rounds are in " +
		"[bench/](bench/) for benchstat.\n\n" + notesBegin + notes + notesEnd + "\n")
	for _, g := range groups() {
		section(&b, g, results)
	}
	speedup(&b, results)
	return b.String()
}

// rounds says how many there were of each case.
func rounds(results []result) string {
	if len(results) == 0 {
		return "rounds"
	}
	low, high := results[0].Rounds, results[0].Rounds
	for _, r := range results {
		low, high = min(low, r.Rounds), max(high, r.Rounds)
	}
	if low < high {
		return fmt.Sprintf("%d to %d rounds", low, high)
	}
	return fmt.Sprintf("%d rounds", low)
}

// section is one group's table.
func section(b *strings.Builder, g group, results []result) {
	var rows [][]string
	ratios := map[int][]float64{}
	var info []string
	for _, c := range g.cases {
		i := slices.IndexFunc(results, func(r result) bool { return r.Name == c.name(g) && r.Threads == c.threads })
		if i < 0 {
			continue
		}
		r := results[i]
		row := []string{c.sizes, fmt.Sprint(c.threads), spread(r.Ours, r.OursLow, r.OursHigh), "", "", c.goal.String(), c.goal.verdict(r)}
		if r.Ratio != nil {
			row[3], row[4] = spread(*r.Torch, *r.TorchLow, *r.TorchHigh), fmt.Sprintf("%.2f", *r.Ratio)
			ratios[c.threads] = append(ratios[c.threads], *r.Ratio)
		}
		rows = append(rows, row)
		for _, way := range slices.Sorted(maps.Keys(r.Info)) {
			info = append(info, fmt.Sprintf("* %s on %s, %s: %s", c.sizes, onThreads(c.threads), way, duration(r.Info[way])))
		}
	}
	if rows == nil {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", g.title, g.about)
	table(b, []string{"case", "threads", "ours", "PyTorch", "ratio", "goal", "reached"}, rows)
	for _, threads := range []int{1, 2} {
		if v := ratios[threads]; g.geomean > 0 && len(v) > 0 {
			fmt.Fprintf(b, "\nGeometric mean of the ratios on %s: %.2f (goal ≥ %.2g).\n", onThreads(threads), geomean(v), g.geomean)
		}
	}
	if info != nil {
		fmt.Fprintf(b, "\nOther ways in PyTorch, for information:\n\n%s\n", strings.Join(info, "\n"))
	}
	if g.bench == "BenchmarkForecast" {
		scaling(b, g, results)
	}
}

func onThreads(n int) string {
	if n == 1 {
		return "one thread"
	}
	return fmt.Sprintf("%d threads", n)
}

func (g goal) String() string {
	var parts []string
	if g.ratio > 0 {
		parts = append(parts, fmt.Sprintf("≥ %.3g×", g.ratio))
	}
	if g.limit > 0 {
		parts = append(parts, fmt.Sprintf("≤ %v", g.limit))
	}
	return strings.Join(parts, ", ")
}

// verdict says whether a goal is reached; a dash where there is none or nothing to hold it against.
func (g goal) verdict(r result) string {
	if g.ratio == 0 && g.limit == 0 || g.ratio > 0 && r.Ratio == nil {
		return "–"
	}
	if g.ratio > 0 && *r.Ratio < g.ratio || g.limit > 0 && r.Ours > float64(g.limit) {
		return "no"
	}
	return "yes"
}

func spread(median, low, high float64) string {
	return fmt.Sprintf("%s (%s–%s)", duration(median), duration(low), duration(high))
}

func geomean(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += math.Log(x)
	}
	return math.Exp(sum / float64(len(v)))
}

// scaling fits cost = a × servicesᵇ.
func scaling(b *strings.Builder, g group, results []result) {
	for _, threads := range []int{1, 2} {
		var x, y []float64
		for _, r := range results {
			if strings.HasPrefix(r.Name, g.bench+"/") && r.Threads == threads {
				x, y = append(x, math.Log(float64(r.Services))), append(y, math.Log(r.Ours))
			}
		}
		if len(x) > 2 {
			fmt.Fprintf(b, "\nCost grows with the services (and their edges, five each) to the power of %.2f on %s (least squares over logarithms).\n",
				slope(x, y), onThreads(threads))
		}
	}
}

func slope(x, y []float64) float64 {
	var mx, my, xx, xy float64
	for i := range x {
		mx, my = mx+x[i]/float64(len(x)), my+y[i]/float64(len(x))
	}
	for i := range x {
		xx, xy = xx+(x[i]-mx)*(x[i]-mx), xy+(x[i]-mx)*(y[i]-my)
	}
	return xy / xx
}

// slower is how much longer PyTorch must take on two threads than on one to be named.
const slower = 1.1

// speedup is what the second thread brings us, and PyTorch.
func speedup(b *strings.Builder, results []result) {
	var rows [][]string
	var flattered []string
	for _, r := range results {
		base, ok := strings.CutSuffix(r.Name, "/threads=1")
		if !ok {
			continue
		}
		for _, two := range results {
			if two.Name != base+"/threads=2" {
				continue
			}
			row := []string{base, fmt.Sprintf("%.2f", r.Ours/two.Ours), ""}
			if r.Torch != nil && two.Torch != nil {
				row[2] = fmt.Sprintf("%.2f", *r.Torch / *two.Torch)
				if *two.Torch > slower**r.Torch {
					flattered = append(flattered, strings.TrimPrefix(base, "Benchmark"))
				}
			}
			rows = append(rows, row)
		}
	}
	if rows == nil {
		return
	}
	b.WriteString("\n## The second thread\n\nThe time on one thread by that on two.\n\n")
	table(b, []string{"benchmark", "ours", "PyTorch"}, rows)
	if flattered != nil {
		fmt.Fprintf(b, "\nPyTorch is slower on two threads than on one, so the ratio on two threads flatters us, in: %s.\n",
			strings.Join(flattered, ", "))
	}
}

func table(b *strings.Builder, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
	}
}
