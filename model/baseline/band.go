package baseline

import (
	"context"
	"math"
	"slices"

	"presage/model"
)

// band makes the quantiles around a centre.
type band struct {
	task model.Task
	// scaler holds in Deviation how far the truth strays from the centre, by
	// service, in the transformed unit (log(x + 1) where the task says so); nil before a fit.
	scaler  *model.Scaler
	offsets [][]float64 // [H][Q] in those deviations, 0 at the median
}

const (
	// maxResiduals bounds how many residuals a horizon's quantiles are taken of.
	maxResiduals = 100_000
	// priorResiduals is how many residuals the others' median counts as in a
	// service's own spread.
	priorResiduals = 20
	// minSpread keeps a service that never strayed from dividing by zero.
	minSpread = 1e-3
)

// residual is how far a truth lay above the centre, in the transformed unit.
type residual struct {
	service string
	h       int
	value   float64
}

// fit learns each service's spread, and the residuals' quantiles by horizon in
// such spreads, pooled over services.
func (b *band) fit(ctx context.Context, centre func([]*model.Step) []float64, windows []model.Window) error {
	if len(windows) == 0 {
		return nil
	}
	plain := &model.Scaler{Log: b.task.Log, Pooled: model.Scale{Deviation: 1}}
	var residuals []residual
	own := map[string][]float64{}
	stride := 1 + len(windows)*len(windows[0].Origin().Services)/maxResiduals
	for k := 0; k < len(windows); k += stride {
		if err := ctx.Err(); err != nil {
			return err
		}
		eachPoint(b.task, windows[k], centre(windows[k].Input), func(service string, h int, truth, c float64) {
			r := plain.Scaled(service, truth) - plain.Scaled(service, c)
			residuals = append(residuals, residual{service, h, r})
			own[service] = append(own[service], math.Abs(r))
		})
	}
	scaler := spreads(b.task, own)
	scores := make([][]float64, b.task.Horizons)
	for _, r := range residuals {
		scores[r.h] = append(scores[r.h], r.value/scaler.Of(r.service).Deviation)
	}
	offsets := make([][]float64, b.task.Horizons)
	for h, r := range scores {
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

// spreads are the services' median absolute residuals, as standard deviations,
// drawn towards the others' median.
func spreads(t model.Task, own map[string][]float64) *model.Scaler {
	sc := &model.Scaler{Log: t.Log, Services: map[string]model.Scale{}}
	var known []float64
	for name, r := range own {
		slices.Sort(r)
		spread := toDeviation * quantile(r, 0.5)
		known = append(known, spread)
		sc.Services[name] = model.Scale{Deviation: spread, Count: len(r)}
	}
	slices.Sort(known)
	sc.Pooled.Deviation = minSpread
	if len(known) > 0 {
		sc.Pooled.Deviation = max(quantile(known, 0.5), minSpread)
	}
	for name, s := range sc.Services {
		n := float64(s.Count)
		s.Deviation = max((n*s.Deviation+priorResiduals*sc.Pooled.Deviation)/(n+priorResiduals), minSpread)
		sc.Services[name] = s
	}
	return sc
}

// toDeviation turns a normal distribution's median absolute deviation into its
// standard deviation.
const toDeviation = 1 / 0.6745

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
				if level != 0.5 && !math.IsNaN(c) {
					var offset float64
					if spread != nil {
						offset = math.Sqrt2 * math.Erfinv(2*level-1) * spread[i] * math.Sqrt(float64(h+1))
					} else {
						offset = b.offsets[h][q] * scaler.Of(name).Deviation
					}
					v = scaler.Moved(c, offset)
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

// priorDifferences is how many differences the others' median counts as in a
// service's own spread.
const priorDifferences = 4

// differences is each service's spread of a random walk's step, in the scaler's
// unit: the median absolute difference of successive observations in the window, as a standard
// deviation, drawn towards the others' median. The median is what one outlier cannot blow up.
func differences(t model.Task, sc *model.Scaler, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	before := missing(len(services))
	steps := make([][]float64, len(services))
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
			if d := math.Abs(u - before[i]); !math.IsNaN(d) {
				steps[i] = append(steps[i], d)
			}
			before[i] = u
		}
	}
	spread := make([]float64, len(services))
	var known []float64
	for i, d := range steps {
		if len(d) > 0 {
			slices.Sort(d)
			spread[i] = toDeviation * quantile(d, 0.5)
			known = append(known, spread[i])
		}
	}
	slices.Sort(known)
	pooled := 0.0
	if len(known) > 0 {
		pooled = quantile(known, 0.5)
	}
	for i, d := range steps {
		n := float64(len(d))
		spread[i] = (n*spread[i] + priorDifferences*pooled) / (n + priorDifferences)
	}
	return spread
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
