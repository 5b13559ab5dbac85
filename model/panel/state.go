package panel

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"presage/model"
)

// meta is the state's JSON; tensors hold the weights, buffers, scales, graph and band.
type meta struct {
	Method   string     `json:"method"`
	Task     model.Task `json:"task"`
	Protocol string     `json:"protocol"`
	Services []string   `json:"services"`
	Log      []bool     `json:"log"`
	Slots    int        `json:"slots"`
	Week     bool       `json:"week"`
}

// State implements model.Forecaster.
func (f *forecaster) State() (model.State, error) {
	if f.learned == nil {
		return model.State{}, fmt.Errorf("%s: neither fitted nor restored", f.name)
	}
	l, n, c := f.learned, len(f.learned.services), len(f.task.Channels)
	m, err := json.Marshal(meta{Method: f.name, Task: f.task, Protocol: f.recipe.Protocol, Services: l.services, Log: l.scale.Log, Slots: l.slots, Week: l.week})
	st := model.State{Meta: m, Tensors: map[string]model.Tensor{
		"scale/mean": copied(l.scale.Mean, n, c), "scale/deviation": copied(l.scale.Dev, n, c),
		"static":      copied(l.static, n, len(l.static)/n),
		"graph/row":   whole(l.graph.RowPtr),
		"graph/col":   whole(l.graph.Col),
		"graph/calls": copied(l.graph.Weight, len(l.graph.Weight)),
	}}
	if f.band != nil {
		st.Tensors["band/spread"] = copied(f.band.Spread, n)
		st.Tensors["band/offsets"] = copied(f.band.Offsets, f.task.Horizons, len(f.task.Levels))
	}
	for _, p := range f.net.Params() {
		st.Tensors["weight/"+p.Name] = copied(p.Var.Data, p.Var.Shape...)
	}
	for name, b := range f.net.Buffers() {
		st.Tensors["buffer/"+name] = copied(b, len(b))
	}
	return st, err
}

// Restore implements model.Forecaster.
func (f *forecaster) Restore(st model.State) error {
	var m meta
	if err := json.Unmarshal(st.Meta, &m); err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, err)
	}
	if m.Method != f.name || m.Protocol != f.recipe.Protocol || !m.Task.Equal(f.task) {
		return fmt.Errorf("%s: restore: the state is of %s method %q and task %+v, expected %s %q and %+v",
			f.name, m.Protocol, m.Method, m.Task, f.recipe.Protocol, f.name, f.task)
	}
	if m.Slots < 1 || m.Slots > mostSlots {
		return fmt.Errorf("%s: restore: %d slots of a day, expected 1 to %d", f.name, m.Slots, mostSlots)
	}
	n, c := len(m.Services), len(m.Task.Channels)
	r := reader{st.Tensors, nil}
	l := &learned{
		task: f.task, recipe: f.recipe, services: m.Services, slots: m.Slots, week: m.Week, static: st.Tensors["static"].Data,
		scale: &scales{Log: m.Log, Mean: r.take("scale/mean", n*c), Dev: r.take("scale/deviation", n*c)},
		graph: &model.Graph{
			RowPtr: integers(r.take("graph/row", n+1)), Col: integers(st.Tensors["graph/col"].Data),
			Weight: st.Tensors["graph/calls"].Data,
		},
	}
	l.order()
	if r.err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, r.err)
	}
	net, err := f.build(l.setup(), rand.New(rand.NewPCG(0, 0)))
	if err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, err)
	}
	for _, p := range net.Params() {
		copy(p.Var.Data, r.take("weight/"+p.Name, len(p.Var.Data)))
	}
	for name, b := range net.Buffers() {
		copy(b, r.take("buffer/"+name, len(b)))
	}
	var own *band
	if f.recipe.Head == HeadValue {
		own = &band{r.take("band/spread", n), r.take("band/offsets", f.task.Horizons*len(f.task.Levels))}
	}
	if r.err != nil {
		return fmt.Errorf("%s: restore: %w", f.name, r.err)
	}
	f.learned, f.net, f.band = l, net, own
	return nil
}

// reader takes arrays out of a state and remembers what is not as expected.
type reader struct {
	tensors map[string]model.Tensor
	err     error
}

func (r *reader) take(name string, n int) []float32 {
	t, ok := r.tensors[name]
	if !ok || len(t.Data) != n {
		r.err = errors.Join(r.err, fmt.Errorf("array %q has %d values, expected %d", name, len(t.Data), n))
		return make([]float32, n)
	}
	return slices.Clone(t.Data)
}

func copied(data []float32, shape ...int) model.Tensor {
	return model.Tensor{Shape: slices.Clone(shape), Data: slices.Clone(data)}
}

// whole stores integers; float32 holds them exactly up to 2^24.
func whole(v []int32) model.Tensor {
	t := model.Tensor{Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = append(t.Data, float32(x))
	}
	return t
}

func integers(v []float32) []int32 {
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}

func sorted(m map[string][]float32) []string { return slices.Sorted(maps.Keys(m)) }
