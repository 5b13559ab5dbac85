package figure

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks are about six round numbers within an axis.
type ticks struct{}

const wantedTicks = 6

// Ticks implements plot.Ticker.
func (ticks) Ticks(low, high float64) []plot.Tick {
	step := round((high - low) / wantedTicks)
	if step <= 0 || math.IsNaN(step) || math.IsInf(step, 0) {
		return []plot.Tick{{Value: low, Label: strconv.FormatFloat(low, 'g', 4, 64)}}
	}
	var out []plot.Tick
	for k := math.Ceil(low/step - 1e-9); k*step <= high+1e-9*step; k++ {
		v := k*step + 0 // never minus zero
		decimals := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
		out = append(out, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'f', decimals, 64)})
	}
	return out
}

// round is the next of 1, 2 and 5 times a power of ten.
func round(step float64) float64 {
	if step <= 0 {
		return step
	}
	power := math.Pow(10, math.Floor(math.Log10(step)))
	for _, k := range []float64{1, 2, 5} {
		if k*power >= step*(1-1e-9) {
			return k * power
		}
	}
	return 10 * power
}
