package evaluation

import (
	"math"
	"testing"

	"presage/model"
	"presage/model/baseline"
)

func TestResampleWeighsByCalls(t *testing.T) {
	task, err := model.NewTask(model.ChannelResponseTime, 2, 1, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	step := func(at int64, names []string, rows ...[2]float32) *model.Step {
		s := &model.Step{At: at * 60e9, Width: 60e9, Services: names, Graph: &model.Graph{RowPtr: make([]int32, len(names)+1)}}
		for _, r := range rows {
			s.Values = append(s.Values, r[0], r[1], 0, 0, 0, 0)
			s.Mask = append(s.Mask, 1, 1, 0, 0, 0, 0)
		}
		return s
	}
	a, ab := []string{"a"}, []string{"a", "b"}
	steps := []*model.Step{
		step(3, a, [2]float32{9, 9}), // its group begins before the history: left out
		step(4, ab, [2]float32{10, 1}, [2]float32{50, 2}), step(5, a, [2]float32{20, 3}),
		step(6, a, [2]float32{1, 1}), step(7, a, [2]float32{3, 1}),
	}
	out := Resample(steps, task, 2)
	if len(out) != 2 || out[0].At != 4*60e9 || out[0].Width != 120e9 || !out[0].Contiguous(out[1]) {
		t.Fatalf("%d slices, first %+v", len(out), out[0])
	}
	for _, c := range []struct {
		slice, row, channel int
		want                float64
	}{{0, 0, 0, 17.5}, {0, 0, 1, 2}, {0, 1, 0, 50}, {1, 0, 0, 2}} {
		if v, ok := out[c.slice].Value(c.row, c.channel); !ok || math.Abs(v-c.want) > 1e-6 {
			t.Errorf("slice %d row %d channel %d is %g, want %g", c.slice, c.row, c.channel, v, c.want)
		}
	}
	if len(Resample(steps, task, 1)) != len(steps) {
		t.Error("a factor of one changes a history")
	}
}

func TestGapRunsFromPersistenceToTheFloor(t *testing.T) {
	e := exam(t, 600)
	own, other := e.Windows[e.First].Origin().At, e.Windows[e.First+3].Origin().At
	e.Floors = []Floor{{Name: "F1", Origins: []int64{own, other}, At: func(origin int64, service string, step int) (float32, float32, float32) {
		for _, w := range e.Windows[e.First:] {
			if w.Origin().At != origin || origin != own && origin != other {
				continue
			}
			for i, name := range w.Target[step].Services {
				if name == service {
					v := w.Target[step].Values[i]
					return v, v, v
				}
			}
		}
		nan := float32(math.NaN())
		return nan, nan, nan
	}}}
	r := run(t, e, method("persistence", baseline.NewPersistence))
	rows := e.Gap([]*Record{r})
	if len(rows) != 2 || rows[0].Mean != 0 || rows[1].Mean != 1 || rows[1].MAE != 0 || rows[0].Points == 0 || rows[0].Points > 4 {
		t.Errorf("%+v", rows)
	}
}
