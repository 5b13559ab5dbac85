package baseline

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"presage/model"
)

// meta is the state's JSON. The tensor "offsets" is [H, Q]; "day" is [slices, N]
// with NaN where missing.
type meta struct {
	Method   string                 `json:"method"`
	Task     model.Task             `json:"task"`
	Fitted   bool                   `json:"fitted"`
	Pooled   model.Scale            `json:"pooled"`
	Scales   map[string]model.Scale `json:"scales,omitempty"`
	Services []string               `json:"services,omitempty"` // of the day's columns
	At       []int64                `json:"at,omitempty"`       // of the day's rows, Unix nanoseconds
	Width    int64                  `json:"width,omitempty"`
	Core     json.RawMessage        `json:"core,omitempty"` // what the centre learned; its tensors lie beside the others
}

// State is the band, the remembered day and what the centre learned.
func (f *forecaster) State() (model.State, error) {
	m := meta{Method: f.name, Task: f.task}
	st := model.State{Tensors: map[string]model.Tensor{}}
	if f.band.scaler != nil {
		m.Fitted, m.Pooled, m.Scales = true, f.band.scaler.Pooled, f.band.scaler.Services
		o := model.Tensor{Shape: []int{f.task.Horizons, len(f.task.Levels)}}
		for _, row := range f.band.offsets {
			for _, v := range row {
				o.Data = append(o.Data, float32(v))
			}
		}
		st.Tensors["offsets"] = o
	}
	if f.day != nil && len(f.day.ring) > 0 {
		names := map[string]bool{}
		for _, r := range f.day.ring {
			for _, s := range r.services {
				names[s] = true
			}
		}
		for s := range names {
			m.Services = append(m.Services, s)
		}
		slices.Sort(m.Services)
		t := model.Tensor{Shape: []int{len(f.day.ring), len(m.Services)}}
		for _, r := range f.day.ring {
			m.At, m.Width = append(m.At, r.at), r.width
			for _, k := range model.Index(r.services, m.Services) {
				v := math.NaN()
				if k >= 0 {
					v = r.values[k]
				}
				t.Data = append(t.Data, float32(v))
			}
		}
		st.Tensors["day"] = t
	}
	if f.core != nil {
		raw, tensors, err := f.core.Save()
		if err != nil {
			return model.State{}, fmt.Errorf("%s: state: %w", f.name, err)
		}
		m.Core = raw
		maps.Copy(st.Tensors, tensors)
	}
	var err error
	st.Meta, err = json.Marshal(m)
	return st, err
}

// Restore takes a state of the same method and task back.
func (f *forecaster) Restore(st model.State) error {
	var m meta
	if err := json.Unmarshal(st.Meta, &m); err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, err)
	}
	if m.Method != f.name || !m.Task.Equal(f.task) {
		return fmt.Errorf("%s: restore: the state is of method %q and task %+v, expected %+v", f.name, m.Method, m.Task, f.task)
	}
	b := band{task: f.task}
	if m.Fitted {
		o, h, q := st.Tensors["offsets"], f.task.Horizons, len(f.task.Levels)
		if len(o.Data) != h*q {
			return fmt.Errorf("%s: restore: tensor \"offsets\" has %d values, expected %d x %d", f.name, len(o.Data), h, q)
		}
		for i := range h {
			b.offsets = append(b.offsets, widen(o.Data[i*q:(i+1)*q]))
		}
		b.scaler = &model.Scaler{Log: f.task.Log, Pooled: m.Pooled, Services: m.Scales}
	}
	if f.day != nil {
		t, n := st.Tensors["day"], len(m.Services)
		if len(t.Data) != len(m.At)*n {
			return fmt.Errorf("%s: restore: tensor \"day\" has %d values, expected %d x %d", f.name, len(t.Data), len(m.At), n)
		}
		f.day.ring = nil
		for i, at := range m.At {
			f.day.ring = append(f.day.ring, row{at: at, width: m.Width, services: m.Services, values: widen(t.Data[i*n : (i+1)*n])})
		}
	}
	if f.core != nil {
		if err := f.core.Load(m.Core, st.Tensors); err != nil {
			return fmt.Errorf("%s: restore: %w", f.name, err)
		}
	}
	f.band = b
	return nil
}

func widen(v []float32) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = float64(v[i])
	}
	return w
}
