package evaluation

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// Number shortens a figure for a table.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case a >= 1000:
		return fmt.Sprintf("%.0f", v)
	case a >= 100:
		return fmt.Sprintf("%.1f", v)
	case a >= 10:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Markdown writes the tables of an evaluation: errors at the given steps, the paired comparisons, intervals and cost.
func (r Results) Markdown(w io.Writer, steps []int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Split %s, %d input slices of %d s, %d test windows, %d services, %d points at the first step; MAE of the median, RMSE of the mean, in %s.\n\n",
		r.Split, r.InputSlices, r.SliceSeconds, r.Windows, r.Services, r.PointsTest, unitName(r.Unit))
	table(&b, r.errors(r.Methods, steps))
	if len(r.Without) > 0 {
		fmt.Fprintf(&b, "\nWithout the %.1f %% of targets within exactly linear (interpolated) runs:\n\n", 100*r.Interpolated)
		table(&b, r.errors(r.Without, steps))
	}
	versus(&b, "all points", r.Methods)
	versus(&b, "points that are not interpolated", r.Without)
	if len(r.Gap) > 0 {
		b.WriteString("\nShare of the gap from persistence to F1, which knows the simulator's whole state at the origin, at the origins where F1 was measured (F0 knows the target's true mean: what is left is sampling noise):\n\n")
		table(&b, r.gap(steps))
	}
	b.WriteString("\nIntervals and scaled errors, means over all steps:\n\n")
	table(&b, r.intervals())
	b.WriteString("\nCost:\n\n")
	table(&b, r.cost())
	for name, why := range r.Left {
		fmt.Fprintf(&b, "\nLeft out: %s: %s\n", name, why)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func unitName(u string) string {
	if u == "" {
		return "the target's own unit"
	}
	return u
}

// name marks what a reader must know of a row.
func (m MethodResult) name() string {
	name := m.ID()
	if m.Cut {
		name += fmt.Sprintf(" (cut at epoch %d)", m.Epochs)
	}
	if m.Diverged {
		name += " (diverged)"
	}
	return name
}

func (r Results) errors(methods []MethodResult, steps []int) [][]string {
	head := []string{"method", "seeds"}
	for _, s := range steps {
		head = append(head, fmt.Sprintf("MAE at %d", s), fmt.Sprintf("RMSE at %d", s))
	}
	rows := [][]string{append(head, "MAE mean 1–"+fmt.Sprint(len(methods[0].Horizons)), "R² at 1 (service median)", "R² mean (service median)", "R² mean (pooled)")}
	for _, m := range methods {
		row := []string{m.name(), fmt.Sprint(len(m.Seeds))}
		for _, s := range steps {
			h := m.Horizons[s-1]
			mae := Number(h.MAE)
			if len(m.Seeds) > 1 {
				mae += " ± " + Number(h.DeviationMAE)
			}
			row = append(row, mae, Number(h.RMSE))
		}
		row = append(row, Number(m.mean(func(h HorizonScore) float64 { return h.MAE })), Number(m.Horizons[0].R2Median),
			Number(m.mean(func(h HorizonScore) float64 { return h.R2Median })), Number(m.mean(func(h HorizonScore) float64 { return h.R2Pooled })))
		rows = append(rows, row)
	}
	return rows
}

// mean is over all steps.
func (m MethodResult) mean(f func(HorizonScore) float64) float64 {
	var sum float64
	for _, h := range m.Horizons {
		sum += f(h)
	}
	return sum / float64(len(m.Horizons))
}

// versus writes the paired comparisons of the method in question.
func versus(b *strings.Builder, points string, methods []MethodResult) {
	for _, m := range methods {
		if len(m.Against) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s less the other, difference of MAE (95 %% interval of a moving-block bootstrap over slices), %s; ● significantly better, ○ significantly worse:\n\n", m.ID(), points)
		table(b, m.versus())
	}
}

func (m MethodResult) versus() [][]string {
	head := []string{"other"}
	var rows [][]string
	for _, d := range m.Against {
		if d.Step == 0 {
			rows = append(rows, []string{d.Method})
		}
		if len(rows) == 1 {
			if d.Step == 0 {
				head = append(head, "all steps")
			} else {
				head = append(head, fmt.Sprintf("at %d", d.Step))
			}
		}
		mark := ""
		switch {
		case d.High < 0:
			mark = " ●"
		case d.Low > 0:
			mark = " ○"
		}
		cell := fmt.Sprintf("%+.3f [%+.3f, %+.3f]%s", d.Difference, d.Low, d.High, mark)
		if d.Step == 0 {
			cell += fmt.Sprintf(" %d/%d seeds", d.Seeds, len(m.Seeds))
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], cell)
	}
	return append([][]string{head}, rows...)
}

func (r Results) intervals() [][]string {
	rows := [][]string{{"method", "coverage", "lowest of a step", "highest", "width", "Winkler over persistence's", "MAE scaled", "RMSE scaled"}}
	for _, m := range r.Methods {
		low, high := math.Inf(1), math.Inf(-1)
		for _, h := range m.Horizons {
			low, high = min(low, h.Coverage), max(high, h.Coverage)
		}
		rows = append(rows, []string{
			m.name(), Number(m.mean(func(h HorizonScore) float64 { return h.Coverage })), Number(low), Number(high),
			Number(m.mean(func(h HorizonScore) float64 { return h.Width })), Number(m.mean(func(h HorizonScore) float64 { return h.WinklerRelative })),
			Number(m.mean(func(h HorizonScore) float64 { return h.MAEScaled })), Number(m.mean(func(h HorizonScore) float64 { return h.RMSEScaled })),
		})
	}
	return rows
}

func (r Results) gap(steps []int) [][]string {
	head := []string{"method", "MAE mean", "MAE scaled mean", "gap closed"}
	for _, s := range steps {
		head = append(head, fmt.Sprintf("at %d", s))
	}
	for _, s := range steps {
		head = append(head, fmt.Sprintf("R² at %d (service median)", s))
	}
	rows := [][]string{head}
	for _, g := range r.Gap {
		row := []string{g.Method, Number(g.MAE), Number(g.MAEScaled), Number(g.Mean)}
		for _, s := range steps {
			row = append(row, Number(g.Share[s-1]))
		}
		for _, s := range steps {
			row = append(row, Number(g.R2Median[s-1]))
		}
		rows = append(rows, row)
	}
	return rows
}

func (r Results) cost() [][]string {
	rows := [][]string{{"method", "parameters", "epochs", "training, s", "forecast of all windows, s"}}
	for _, m := range r.Methods {
		rows = append(rows, []string{m.name(), fmt.Sprint(m.Parameters), fmt.Sprint(m.Epochs), fmt.Sprintf("%.1f", m.TrainSeconds), fmt.Sprintf("%.1f", m.ForecastSeconds)})
	}
	return rows
}

// Table is rows as Markdown, the first one as the head.
func Table(rows [][]string) string {
	var b strings.Builder
	table(&b, rows)
	return b.String()
}

// table writes rows as Markdown, the first one as the head.
func table(b *strings.Builder, rows [][]string) {
	for k, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if k == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
}
