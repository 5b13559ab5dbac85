package baseline

import (
	"math"

	"presage/model"
)

// series are the values of the services of a window's last step over the window.
type series struct {
	services []string
	at       []int64     // [T] starts of the slices, Unix nanoseconds
	width    int64       // of the last slice
	values   [][]float64 // [N][T], NaN where missing
}

// observed reads a window, each value through unit.
func observed(t model.Task, window []*model.Step, unit func(service string, v float64) float64) series {
	origin := window[len(window)-1]
	s := series{services: origin.Services, width: origin.Width, values: make([][]float64, len(origin.Services))}
	cells := missing(len(origin.Services) * len(window))
	for i := range s.values {
		s.values[i] = cells[i*len(window) : (i+1)*len(window)]
	}
	rows := make([]int32, len(origin.Services))
	for k, step := range window {
		s.at = append(s.at, step.At)
		model.IndexInto(rows, step.Services, origin.Services)
		for i, r := range rows {
			if r < 0 {
				continue
			}
			if v, ok := step.Value(int(r), t.Target); ok {
				s.values[i][k] = unit(s.services[i], v)
			}
		}
	}
	return s
}

// plain leaves a value in its own unit.
func plain(_ string, v float64) float64 { return v }

// carried fills gaps with the last value before them, in place, and gives the part that
// begins with the first observation; nothing where there is none.
func carried(values []float64) []float64 {
	first := -1
	for k, v := range values {
		switch {
		case !math.IsNaN(v):
			if first < 0 {
				first = k
			}
		case first >= 0:
			values[k] = values[k-1]
		}
	}
	if first < 0 {
		return nil
	}
	return values[first:]
}
