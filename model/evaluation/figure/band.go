package figure

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Panel is a forecast of one service for one step, over the slices it speaks of.
type Panel struct {
	Title                     string
	X                         []float64 // hours since the first
	Truth, Yhat, Lower, Upper []float64
}

// Bands draws panels below one another.
type Bands struct {
	Title, Y string
	Level    float64 // of the band, e.g. 0.9
	Panels   []Panel
}

// WritePNG draws the panels.
func (b Bands) WritePNG(w io.Writer) error {
	rows := make([][]*plot.Plot, len(b.Panels))
	for k, panel := range b.Panels {
		p, err := b.panel(k, panel)
		if err != nil {
			return err
		}
		rows[k] = []*plot.Plot{p}
	}
	c := vgimg.NewWith(vgimg.UseWH(24*vg.Centimeter, vg.Length(len(rows))*8*vg.Centimeter), vgimg.UseDPI(dotsPerInch))
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadY: vg.Points(10), PadTop: vg.Points(4), PadBottom: vg.Points(4), PadLeft: vg.Points(4), PadRight: vg.Points(12)}
	for k, canvas := range plot.Align(rows, tiles, draw.New(c)) {
		rows[k][0].Draw(canvas[0])
	}
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

func (b Bands) panel(k int, panel Panel) (*plot.Plot, error) {
	panel = capped(panel)
	panel.X = shortened(panel.X)
	title := panel.Title
	if k == 0 {
		title = b.Title + ": " + title
	}
	p := newPlot(title, fmt.Sprintf("hours, long gaps shortened (dots: what happened; line: forecast; band: %.0f %% interval)", 100*b.Level), b.Y)
	if k < len(b.Panels)-1 {
		p.X.Label.Text = ""
	}
	p.Add(grid())
	for _, stretch := range stretches(panel) {
		if err := b.stretch(p, panel, stretch[0], stretch[1]); err != nil {
			return nil, err
		}
	}
	return p, nil
}

var (
	bandColour     = color.RGBA{190, 215, 235, 255}
	forecastColour = palette(0)
	truthColour    = color.RGBA{40, 40, 40, 255}
)

// stretch draws the points from … to - 1, none of which is missing.
func (b Bands) stretch(p *plot.Plot, panel Panel, from, to int) error {
	var outline, truth, yhat plotter.XYs
	for i := from; i < to; i++ {
		outline = append(outline, plotter.XY{X: panel.X[i], Y: panel.Upper[i]})
		truth = append(truth, plotter.XY{X: panel.X[i], Y: panel.Truth[i]})
		yhat = append(yhat, plotter.XY{X: panel.X[i], Y: panel.Yhat[i]})
	}
	for i := to - 1; i >= from; i-- {
		outline = append(outline, plotter.XY{X: panel.X[i], Y: panel.Lower[i]})
	}
	band, err := plotter.NewPolygon(outline)
	if err != nil {
		return fmt.Errorf("band of %s: %w", panel.Title, err)
	}
	band.Color, band.Width = bandColour, 0
	line, err := plotter.NewLine(yhat)
	if err != nil {
		return fmt.Errorf("forecast of %s: %w", panel.Title, err)
	}
	line.Color, line.Width = forecastColour, vg.Points(1.5)
	dots, err := plotter.NewScatter(truth)
	if err != nil {
		return fmt.Errorf("truth of %s: %w", panel.Title, err)
	}
	dots.Color, dots.Shape, dots.Radius = truthColour, draw.CircleGlyph{}, vg.Points(1.3)
	p.Add(band, line, dots)
	return nil
}

// gapOf is the distance from which two points are not joined: a few times the usual one.
func gapOf(x []float64) float64 {
	steps := make([]float64, 0, len(x))
	for i := 1; i < len(x); i++ {
		steps = append(steps, x[i]-x[i-1])
	}
	if len(steps) == 0 {
		return 0
	}
	slices.Sort(steps)
	return 3.5 * steps[len(steps)/2]
}

// shortened closes gaps between recordings to a few points' distance: a history of fault windows would be a few dots
// in the corners.
func shortened(x []float64) []float64 {
	gap := gapOf(x)
	out := make([]float64, len(x))
	for i := 1; i < len(x); i++ {
		out[i] = out[i-1] + math.Min(x[i]-x[i-1], 2*gap)
	}
	return out
}

// capped bounds a panel's values a little above all but the highest hundredth, so that one outlier does not flatten the
// rest: what lies above is drawn at the edge.
func capped(p Panel) Panel {
	var all []float64
	for i := range p.X {
		for _, v := range []float64{p.Truth[i], p.Upper[i]} {
			if !math.IsNaN(v) {
				all = append(all, v)
			}
		}
	}
	if len(all) < 100 {
		return p
	}
	slices.Sort(all)
	edge := all[len(all)*99/100] + 0.1*math.Abs(all[len(all)*99/100])
	bound := func(values []float64) []float64 {
		out := make([]float64, len(values))
		for i, v := range values {
			out[i] = math.Min(v, edge)
		}
		return out
	}
	p.Truth, p.Yhat, p.Lower, p.Upper = bound(p.Truth), bound(p.Yhat), bound(p.Lower), bound(p.Upper)
	return p
}

// stretches are the runs of points without a missing one.
func stretches(p Panel) (out [][2]int) {
	from, gap := -1, gapOf(p.X)
	for i := range p.X {
		ok := !math.IsNaN(p.Truth[i] + p.Yhat[i] + p.Lower[i] + p.Upper[i])
		if i > 0 && p.X[i]-p.X[i-1] > gap {
			if from >= 0 && i-from > 1 {
				out = append(out, [2]int{from, i})
			}
			from = -1
		}
		switch {
		case ok && from < 0:
			from = i
		case !ok && from >= 0:
			if i-from > 1 {
				out = append(out, [2]int{from, i})
			}
			from = -1
		}
	}
	if from >= 0 && len(p.X)-from > 1 {
		out = append(out, [2]int{from, len(p.X)})
	}
	return out
}
