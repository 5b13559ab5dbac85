package study

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"presage/model/evaluation"
	"presage/model/evaluation/figure"
)

// Compare is the paper's Table 1 with every baseline: all methods on the same points, at every step.
func (s *Study) Compare(ctx context.Context, d evaluation.Data) (evaluation.Results, error) {
	e, err := evaluation.NewExam(d)
	if err != nil {
		return evaluation.Results{}, err
	}
	records, left, err := s.records(ctx, e, "", s.Methods)
	if err != nil {
		return evaluation.Results{}, err
	}
	if len(records) == 0 {
		return evaluation.Results{}, fmt.Errorf("no method could be fitted: %v", left)
	}
	steps := s.Steps
	if steps == nil {
		steps = Steps(d.Task.Horizons)
	}
	r := e.Summary(records, s.Hero, steps)
	r.Command, r.Left = s.Command, left
	if err := s.save("results.json", r); err != nil {
		return r, err
	}
	if err := s.table("table.md", r, steps); err != nil {
		return r, err
	}
	return r, s.figures(e, r, records)
}

// Steps are the steps of a horizon that tables show: the first, a quarter, half and the last one.
func Steps(h int) []int {
	var out []int
	for _, s := range []int{1, h / 4, h / 2, h} {
		if s >= 1 && (len(out) == 0 || s > out[len(out)-1]) {
			out = append(out, s)
		}
	}
	return out
}

func (s *Study) save(name string, v any) error {
	return whole(filepath.Join(s.Out, name), func(f *os.File) error {
		e := json.NewEncoder(f)
		e.SetIndent("", " ")
		return e.Encode(finite(v))
	})
}

func (s *Study) table(name string, r evaluation.Results, steps []int) error {
	return whole(filepath.Join(s.Out, name), func(f *os.File) error { return r.Markdown(f, steps) })
}

// shownLines is the number of lines that a figure over the horizon shows, the best ones.
const shownLines = 9

func (s *Study) figures(e *evaluation.Exam, r evaluation.Results, records []*evaluation.Record) error {
	if err := s.horizonFigure("horizons.png", r); err != nil {
		return err
	}
	for _, rec := range records {
		if rec.ID() == s.Hero {
			return s.forecastFigure("forecast.png", e, rec)
		}
	}
	return nil
}

// horizonFigure draws the error by step: the method in question, persistence, and the best others.
func (s *Study) horizonFigure(name string, r evaluation.Results) error {
	c := figure.Chart{
		Title: r.Data + ": error by step", X: fmt.Sprintf("steps ahead (%d s each)", r.SliceSeconds), Y: "mean absolute error",
		Zero: true,
	}
	if r.Unit != "" {
		c.Y += ", " + r.Unit
	}
	for _, m := range best(r.Methods, s.Hero) {
		l := figure.Line{Name: m.ID(), Strong: m.ID() == s.Hero}
		for _, h := range m.Horizons {
			l.X, l.Y = append(l.X, float64(h.Step)), append(l.Y, h.MAE)
		}
		c.Lines = append(c.Lines, l)
	}
	return whole(filepath.Join(s.Out, name), func(f *os.File) error { return c.WritePNG(f) })
}

// best picks the lines of a figure.
func best(methods []evaluation.MethodResult, hero string) []evaluation.MethodResult {
	total := func(m evaluation.MethodResult) float64 {
		var sum float64
		for _, h := range m.Horizons {
			sum += h.MAE
		}
		return sum
	}
	out := append([]evaluation.MethodResult(nil), methods...)
	for len(out) > shownLines {
		at, most := -1, math.Inf(-1)
		for k, m := range out {
			if k > 0 && m.ID() != hero && total(m) > most {
				at, most = k, total(m)
			}
		}
		out = append(out[:at], out[at+1:]...)
	}
	return out
}

// shownPanels services and shownWindows windows are drawn as forecasts against truth.
const (
	shownPanels  = 3
	shownWindows = 288
)

// forecastFigure draws the forecasts of the first step in the middle and last step of a few services: those with the most
// points, spread over their errors, so that not only the pretty ones are shown.
func (s *Study) forecastFigure(name string, e *evaluation.Exam, r *evaluation.Record) error {
	n, h := len(e.Services), e.Task.Horizons
	b := figure.Bands{Title: e.Name, Y: unitOr(e.Task.Unit), Level: e.Task.Levels[len(e.Task.Levels)-1] - e.Task.Levels[0]}
	step := h / 2
	windows := min(e.Tests(), shownWindows)
	for _, i := range shown(e, r, step, windows) {
		p := figure.Panel{Title: fmt.Sprintf("%s, %d steps ahead", e.Services[i], step+1)}
		first := e.Windows[e.First].Origin().At
		for w := range windows {
			at := (w*n+i)*h + step
			p.X = append(p.X, float64(e.Windows[e.First+w].Target[step].At-first)/3600e9)
			p.Truth, p.Yhat = append(p.Truth, float64(e.Truth[at])), append(p.Yhat, float64(r.Yhat[at]))
			p.Lower, p.Upper = append(p.Lower, float64(r.Lower[at])), append(p.Upper, float64(r.Upper[at]))
		}
		b.Panels = append(b.Panels, p)
	}
	if len(b.Panels) == 0 {
		return nil
	}
	return whole(filepath.Join(s.Out, name), func(f *os.File) error { return b.WritePNG(f) })
}

// shown spreads the panels over the services that have a forecast and a truth in most windows.
func shown(e *evaluation.Exam, r *evaluation.Record, step, windows int) []int {
	n, h := len(e.Services), e.Task.Horizons
	var able []int
	for i := range n {
		points := 0
		for w := range windows {
			if at := (w*n+i)*h + step; e.Truth[at] == e.Truth[at] && r.Yhat[at] == r.Yhat[at] {
				points++
			}
		}
		if 2*points > windows {
			able = append(able, i)
		}
	}
	panels := min(shownPanels, len(able))
	out := make([]int, panels)
	for k := range out {
		out[k] = able[(2*k+1)*len(able)/(2*panels)]
	}
	return out
}

func unitOr(u string) string {
	if u == "" {
		return "value"
	}
	return u
}
