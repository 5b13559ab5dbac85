package model

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// drift is a stream of 20 services whose noise is three times what the forecaster
// believes, and five times that from the middle on. Feedback comes h slices late.
func drift(slices, horizons int, each func(k int, c *Calibration, cover, width float64)) *Calibration {
	rng := rand.New(rand.NewPCG(1, 2))
	c := NewCalibration(0.9, horizons)
	type issue struct{ lower, upper float64 }
	names := []string{}
	for i := range 20 {
		names = append(names, string(rune('a'+i)))
	}
	issued := make([][][]issue, slices)
	for k := range slices {
		noise := 3.0
		if k > slices/2 {
			noise = 15
		}
		var covered, count, width float64
		for i, name := range names {
			own := noise * (0.5 + float64(i)/20)
			truth := 100 + own*rng.NormFloat64()
			for h := 1; h <= horizons && h <= k; h++ {
				is := issued[k-h][i][h-1]
				c.Add(name, h, Point{Truth: truth, Yhat: 100, Lower: is.lower, Upper: is.upper})
				if truth >= is.lower && truth <= is.upper {
					covered++
				}
				count++
				width += is.upper - is.lower
			}
		}
		c.Close()
		for _, name := range names {
			row := make([]issue, horizons)
			for h := range row {
				row[h].lower, row[h].upper = c.Interval(name, h+1, 100-1.645, 100, 100+1.645)
			}
			issued[k] = append(issued[k], row)
		}
		if count > 0 && each != nil {
			each(k, c, covered/count, width/count)
		}
	}
	return c
}

func TestCalibrationHoldsCoverageUnderDrift(t *testing.T) {
	var cover, width, n [2]float64
	drift(4000, 15, func(k int, _ *Calibration, c, w float64) {
		half := 0
		switch {
		case k > 2200:
			half = 1
		case k < 200 || k > 2000:
			return
		}
		cover[half] += c
		width[half] += w
		n[half]++
	})
	for half, noise := range []float64{3, 15} {
		c, w := cover[half]/n[half], width[half]/n[half]
		// The mean width of the ideal 90 % intervals of all services.
		ideal := 2 * 1.645 * noise * (0.5 + 19.0/40)
		t.Logf("half %d: coverage %.3f, width %.2f of ideal %.2f", half, c, w, ideal)
		if math.Abs(c-0.9) > 0.015 {
			t.Errorf("half %d: coverage %.3f, want 0.9", half, c)
		}
		if w < ideal*0.8 || w > ideal*1.3 {
			t.Errorf("half %d: mean width %.2f, ideal %.2f", half, w, ideal)
		}
	}
}

func TestCalibrationServiceOffsetsEvenOutServices(t *testing.T) {
	c := drift(6000, 3, nil)
	quiet, loud := c.Services["a"], c.Services["t"]
	if quiet.Upper >= 0 || loud.Upper <= 0 {
		t.Errorf("offsets of the quiet and the loud service: %.3f, %.3f; want one below and one above 0", quiet.Upper, loud.Upper)
	}
}

func TestCalibrationStateSurvivesJSON(t *testing.T) {
	c := drift(300, 6, nil)
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var d Calibration
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c.Clone(), &d) {
		t.Error("the calibration changed on its way through JSON")
	}
}

func TestCalibrationIgnoresMissing(t *testing.T) {
	c := NewCalibration(0.9, 2)
	c.Add("a", 1, Point{Truth: math.NaN(), Yhat: 1, Lower: 0, Upper: 2})
	c.Add("a", 2, Point{Truth: 1, Yhat: math.NaN(), Lower: 0, Upper: 2})
	c.Close()
	if c.Slices != 0 || c.Upper[0] != 0 || len(c.Services) != 0 {
		t.Errorf("missing values moved the calibration: %+v", c)
	}
}

func TestCalibrationKeepsConstantSeriesFinite(t *testing.T) {
	c := NewCalibration(0.9, 1)
	for range 5000 {
		c.Add("a", 1, Point{Truth: 5, Yhat: 5, Lower: 5, Upper: 5})
		c.Close()
	}
	lower, upper := c.Interval("a", 1, 5, 5, 5)
	if lower != 5 || upper != 5 {
		t.Errorf("interval of a constant series: [%g, %g]", lower, upper)
	}
}
