package baseline

import (
	"math"

	"presage/model"
)

// last is the last observed target of each service of the window's last step.
func last(t model.Task, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	values := missing(len(services))
	left := len(services)
	for k := len(window) - 1; k >= 0 && left > 0; k-- {
		for i, r := range model.Index(window[k].Services, services) {
			if r < 0 || !math.IsNaN(values[i]) {
				continue
			}
			if v, ok := window[k].Value(int(r), t.Target); ok {
				values[i] = v
				left--
			}
		}
	}
	return values
}

// mean is the mean of the observed targets of each service of the last step.
func mean(t model.Task, window []*model.Step) []float64 {
	services := window[len(window)-1].Services
	values := missing(len(services))
	counts := make([]float64, len(services))
	for _, s := range window {
		for i, r := range model.Index(s.Services, services) {
			if r < 0 {
				continue
			}
			if v, ok := s.Value(int(r), t.Target); ok {
				if counts[i] == 0 {
					values[i] = 0
				}
				counts[i]++
				values[i] += v
			}
		}
	}
	for i := range values {
		values[i] /= counts[i]
	}
	return values
}

// flat repeats a value for every horizon: [N] to [N, H].
func flat(t model.Task, values []float64) []float64 {
	out := make([]float64, 0, len(values)*t.Horizons)
	for _, v := range values {
		for range t.Horizons {
			out = append(out, v)
		}
	}
	return out
}

func missing(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.NaN()
	}
	return v
}

// eachPoint calls f for every observed target of the window that has a centre.
func eachPoint(t model.Task, w model.Window, centre []float64, f func(service string, h int, truth, centre float64)) {
	services := w.Origin().Services
	for h, step := range w.Target {
		for i, r := range model.Index(step.Services, services) {
			if r < 0 {
				continue
			}
			c := centre[i*t.Horizons+h]
			if v, ok := step.Value(int(r), t.Target); ok && !math.IsNaN(c) {
				f(services[i], h, v, c)
			}
		}
	}
}
