package figure

import (
	"bytes"
	"image/png"
	"math"
	"testing"
)

func TestChartIsDrawn(t *testing.T) {
	c := Chart{Title: "errors", X: "steps", Y: "error", Zero: true, Lines: []Line{
		{Name: "one", X: []float64{1, 2, 3}, Y: []float64{1, math.NaN(), 3}}, {Name: "two", X: []float64{1, 2, 3}, Y: []float64{2, 2, 2}, Strong: true},
		{Name: "empty"},
	}}
	var b bytes.Buffer
	if err := c.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	if m, err := png.Decode(&b); err != nil || m.Bounds().Dx() < 500 {
		t.Errorf("%v", err)
	}
}

func TestBandsLeaveGapsOut(t *testing.T) {
	nan := math.NaN()
	p := Panel{Title: "a", X: []float64{0, 1, 2, 3, 4, 9, 10}, Truth: []float64{1, 2, nan, 3, 4, 5, 6},
		Yhat: []float64{1, 2, 3, 3, 4, 5, 6}, Lower: []float64{0, 1, 2, 2, 3, 4, 5}, Upper: []float64{2, 3, 4, 4, 5, 6, 7}}
	if got := stretches(p); len(got) != 3 || got[0] != [2]int{0, 2} || got[1] != [2]int{3, 5} || got[2] != [2]int{5, 7} {
		t.Errorf("stretches %v", got)
	}
	var b bytes.Buffer
	if err := (Bands{Title: "t", Y: "ms", Level: 0.9, Panels: []Panel{p, p}}).WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Error(err)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {2.2, 4.1}, {0, 0}, {-3, 250}, {0, 1e-7}} {
		ticks := ticks{}.Ticks(c[0], c[1])
		if len(ticks) == 0 || len(ticks) > 12 {
			t.Errorf("%v: %d ticks", c, len(ticks))
		}
	}
}
