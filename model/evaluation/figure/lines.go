package figure

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Line is one method's curve. Points that are no number are left out.
type Line struct {
	Name   string
	X, Y   []float64
	Strong bool // the method in question: drawn thicker, on top
}

// Chart is a set of lines over a common axis.
type Chart struct {
	Title, X, Y string
	Lines       []Line
	Ticks       []float64 // of the X axis; nil: as they come
	Labels      []string  // of the X axis at 1, 2, …; nil: numbers
	Zero        bool      // the Y axis begins at zero
}

// palette tells up to ten lines apart, also for most colour-blind readers (Okabe and Ito's colours and darker ones).
func palette(k int) color.RGBA {
	colours := []color.RGBA{
		{0, 114, 178, 255}, {230, 159, 0, 255}, {0, 158, 115, 255}, {204, 121, 167, 255}, {86, 180, 233, 255},
		{213, 94, 0, 255}, {120, 120, 120, 255}, {148, 103, 189, 255}, {140, 86, 75, 255}, {23, 120, 110, 255},
	}
	return colours[k%len(colours)]
}

var strong = color.RGBA{0, 0, 0, 255}

// WritePNG draws the chart.
func (c Chart) WritePNG(w io.Writer) error {
	p := newPlot(c.Title, c.X, c.Y)
	if c.Zero {
		p.Y.Min = 0
	}
	if len(c.Ticks) > 0 {
		ticks := make(plot.ConstantTicks, len(c.Ticks))
		for i, v := range c.Ticks {
			ticks[i] = plot.Tick{Value: v, Label: fmt.Sprintf("%g", v)}
		}
		p.X.Tick.Marker = ticks
	}
	if len(c.Labels) > 0 {
		var ticks plot.ConstantTicks
		for i, label := range c.Labels {
			ticks = append(ticks, plot.Tick{Value: float64(i + 1), Label: label})
		}
		p.X.Tick.Marker = ticks
	}
	p.Add(grid())
	for k, l := range c.Lines {
		if err := c.add(p, k, l); err != nil {
			return err
		}
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.XOffs, p.Legend.YOffs = vg.Points(8), vg.Points(-8)
	return writePNG(p, 22*vg.Centimeter, 13*vg.Centimeter, w)
}

func (c Chart) add(p *plot.Plot, k int, l Line) error {
	var points plotter.XYs
	for i := range l.X {
		if !math.IsNaN(l.Y[i]) && !math.IsInf(l.Y[i], 0) {
			points = append(points, plotter.XY{X: l.X[i], Y: l.Y[i]})
		}
	}
	if len(points) == 0 {
		return nil
	}
	line, dots, err := plotter.NewLinePoints(points)
	if err != nil {
		return fmt.Errorf("line %q: %w", l.Name, err)
	}
	line.Color, line.Width = palette(k), vg.Points(1.5)
	if l.Strong {
		line.Color, line.Width = strong, vg.Points(3)
	}
	if k >= 7 && !l.Strong {
		line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	}
	dots.Color, dots.Shape, dots.Radius = line.Color, draw.CircleGlyph{}, vg.Points(2.2)
	p.Add(line, dots)
	p.Legend.Add(l.Name, line)
	return nil
}

func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	for _, f := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font,
		&p.Legend.TextStyle.Font,
	} {
		f.Variant = "Sans"
	}
	p.X.Tick.Marker, p.Y.Tick.Marker = ticks{}, ticks{}
	p.Title.TextStyle.Font.Size = font.Points(14)
	p.Title.Padding = vg.Points(8)
	p.X.Padding, p.Y.Padding = vg.Points(4), vg.Points(4)
	p.Legend.TextStyle.Font.Size = font.Points(10)
	p.Legend.Padding = vg.Points(2)
	return p
}

func grid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Horizontal.Color, g.Vertical.Color = color.Gray{225}, color.Gray{240}
	return g
}

const dotsPerInch = 110

func writePNG(p *plot.Plot, width, height vg.Length, w io.Writer) error {
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))
	p.Draw(draw.New(c))
	_, err := vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}
