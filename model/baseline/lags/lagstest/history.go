package lagstest

import (
	"math"

	"presage/model"
)

// Task is a task of one channel with three levels.
func Task(input, horizons int) model.Task {
	return model.Task{Channels: []string{"value"}, Unit: "mph", Input: input, Horizons: horizons, Levels: []float64{0.05, 0.5, 0.95}}
}

// History makes slices of a minute of values [n][services]; NaN is missing. The first service calls the second.
func History(names []string, values [][]float64) []*model.Step {
	g := &model.Graph{RowPtr: []int32{0}}
	for i := range names {
		if i == 0 {
			g.Col, g.Weight = append(g.Col, 1), append(g.Weight, 1)
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	var all []*model.Step
	for k, row := range values {
		s := &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: names, Graph: g}
		for _, v := range row {
			mask := float32(1)
			if math.IsNaN(v) {
				v, mask = 0, 0
			}
			s.Values, s.Mask = append(s.Values, float32(v)), append(s.Mask, mask)
		}
		all = append(all, s)
	}
	return all
}
