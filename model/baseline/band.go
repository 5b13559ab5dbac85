package baseline

import (
	"context"
	"math"
	"slices"

	"presage/model"
)

// band makes the quantiles around a centre.
type band struct {
	task    model.Task
	scaler  *model.Scaler // nil before a fit
	offsets [][]float64   // [H][Q] in the standardised unit, 0 at the median
}

// maxResiduals bounds how many residuals a horizon's quantiles are taken of.
const maxResiduals = 100_000

// fit learns the residuals' quantiles by horizon, pooled over services.
func (b *band) fit(ctx context.Context, centre func([]*model.Step) []float64, train []*model.Step, windows []model.Window) error {
	if len(windows) == 0 {
		return nil
	}
	scaler := model.FitScaler(b.task, train)
	residuals := make([][]float64, b.task.Horizons)
	stride := 1 + len(windows)*len(windows[0].Origin().Services)/maxResiduals
	for k := 0; k < len(windows); k += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		eachPoint(b.task, windows[k], centre(windows[k].Input), func(service string, h int, truth, c float64) {
			residuals[h] = append(residuals[h], scaler.Scaled(service, truth)-scaler.Scaled(service, c))
		})
	}
	offsets := make([][]float64, b.task.Horizons)
	for h, r := range residuals {
		if len(r) == 0 {
			return nil // no such horizon was ever observed: the band stays as it was
		}
		slices.Sort(r)
		offsets[h] = make([]float64, len(b.task.Levels))
		for q, level := range b.task.Levels {
			v := quantile(r, level)
			switch {
			case level < 0.5:
				v = min(v, 0)
			case level == 0.5:
				v = 0
			default:
				v = max(v, 0)
			}
			offsets[h][q] = float64(float32(v)) // as it is stored
		}
	}
	b.scaler, b.offsets = scaler, offsets
	return nil
}

// prediction puts the band around centres [N, H].
func (b *band) prediction(window []*model.Step, centre []float64) model.Prediction {
	t := b.task
	services := window[len(window)-1].Services
	scaler, spread := b.scaler, []float64(nil)
	if scaler == nil {
		scaler = &model.Scaler{Log: t.Log, Pooled: model.Scale{Deviation: 1}}
		spread = differences(t, scaler, window)
	}
	p := model.Prediction{Services: services, Levels: t.Levels, Values: make([]float32, len(centre)*len(t.Levels))}
	for i, name := range services {
		for h := range t.Horizons {
			c := centre[i*t.Horizons+h]
			for q, level := range t.Levels {
				v := c // NaN stays NaN
				switch {
				case level == 0.5 || math.IsNaN(c):
				case spread != nil:
					offset := math.Sqrt2 * math.Erfinv(2*level-1) * spread[i] * math.Sqrt(float64(h+1))
					v = scaler.Natural(name, scaler.Scaled(name, c)+offset)
				default:
					v = scaler.Natural(name, scaler.Scaled(name, c)+b.offsets[h][q])
				}
				if t.Log {
					v = floor(v)
				}
				p.Values[(i*t.Horizons+h)*len(t.Levels)+q] = float32(v)
			}
		}
	}
	return p
}

// floor keeps a value that cannot be negative from being so; NaN stays.
func floor(v float64) float64 {
	if v < 0 {
		return 0
	}
	return v
}

// differences is each service's root mean square of the differences of successive
// observations in the window, in the scaler's unit: the spread of a random walk's
// step. A service with fewer than three observations gets the others' median.
func differences(t model.Task, sc *model.Scaler, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	before := missing(len(services))
	sums, counts := make([]float64, len(services)), make([]float64, len(services))
	for _, s := range window {
		for i, r := range model.Index(s.Services, services) {
			if r < 0 {
				continue
			}
			v, ok := s.Value(int(r), t.Target)
			if !ok {
				continue
			}
			u := sc.Scaled(services[i], v)
			if d := u - before[i]; !math.IsNaN(d) {
				sums[i] += d * d
				counts[i]++
			}
			before[i] = u
		}
	}
	var known []float64
	for i := range sums {
		if counts[i] >= 2 {
			sums[i] = math.Sqrt(sums[i] / counts[i])
			known = append(known, sums[i])
		}
	}
	slices.Sort(known)
	pooled := 0.0
	if len(known) > 0 {
		pooled = quantile(known, 0.5)
	}
	for i := range sums {
		if counts[i] < 2 {
			sums[i] = pooled
		}
	}
	return sums
}

// quantile of sorted values, linear between neighbours.
func quantile(sorted []float64, level float64) float64 {
	place := level * float64(len(sorted)-1)
	low := int(place)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (place-float64(low))*(sorted[low+1]-sorted[low])
}
