package stgnn

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"

	"presage/model"
	"presage/model/nn"
)

// stateVersion is the layout of State's content.
const stateVersion = 2

// meta is State.Meta: all but the arrays.
type meta struct {
	Network  string     `json:"network"`
	Version  int        `json:"version"`
	Task     model.Task `json:"task"`
	Config   Config     `json:"config"`
	Clock    clock      `json:"clock"`
	Services []string   `json:"services"`
	Lead     int        `json:"lead"`
}

const networkName = "stgnn"

// State implements model.Forecaster. Arrays are those of the network under their own names,
// those of the scaler under scale/ and the leading services under lead/.
func (s *forecaster) State() (model.State, error) {
	if s.learned == nil {
		return model.State{}, ErrNotFitted
	}
	l := s.learned
	m := meta{Network: networkName, Version: stateVersion, Task: l.task, Config: l.cfg,
		Clock: l.clock, Services: l.scale.names, Lead: l.lead.k}
	tensors := weights(l.net.params())
	l.scale.store(tensors, len(l.task.Channels))
	tensors["lead/index"] = floats(l.lead.index, len(l.scale.names), l.lead.k)
	tensors["lead/weight"] = tensorOf(l.lead.weight, len(l.scale.names), l.lead.k)
	tensors["extent"] = tensorOf(l.extent, len(l.scale.names), 2)
	tensors["usual"] = tensorOf(l.usual, len(l.usual))
	return pack(m, tensors)
}

// Restore implements model.Forecaster. The network keeps the sizes it was trained with; how it
// would be trained again comes from New's configuration.
func (s *forecaster) Restore(st model.State) error {
	m, err := unpack(st, s.task, s.cfg)
	if err != nil {
		return err
	}
	r := reader{tensors: st.Tensors}
	l := &learned{basis: r.basis(m), clock: m.Clock}
	l.lead = lead{k: m.Lead,
		index:  integers(r.take("lead/index", len(m.Services), m.Lead)),
		weight: r.take("lead/weight", len(m.Services), m.Lead)}
	l.extent = r.take("extent", len(m.Services), 2)
	l.usual = r.take("usual", len(m.Services)+1)
	if r.err != nil {
		return r.err
	}
	l.net = newNetwork[float32](m.Config, l.dims(), zeroRand())
	r.weights(l.net.params())
	for _, i := range l.lead.index {
		if int(i) >= len(m.Services) {
			return fmt.Errorf("stgnn: leading service %d of %d", i, len(m.Services))
		}
	}
	if r.err != nil {
		return r.err
	}
	s.learned, s.ring = l, ring{}
	return nil
}

// pack puts meta and arrays together.
func pack(m meta, tensors map[string]model.Tensor) (model.State, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return model.State{}, fmt.Errorf("stgnn: state: %w", err)
	}
	return model.State{Meta: b, Tensors: tensors}, nil
}

// unpack reads meta and refuses the state of another network, mode or task.
func unpack(st model.State, task model.Task, cfg Config) (meta, error) {
	var m meta
	if err := json.Unmarshal(st.Meta, &m); err != nil {
		return meta{}, fmt.Errorf("stgnn: state: %w", err)
	}
	switch {
	case m.Network != networkName:
		return meta{}, fmt.Errorf("stgnn: state of network %q, expected %q", m.Network, networkName)
	case m.Version != stateVersion:
		return meta{}, fmt.Errorf("stgnn: state of version %d, expected %d", m.Version, stateVersion)
	case m.Config.Mode != cfg.Mode:
		return meta{}, fmt.Errorf("stgnn: state of mode %q, expected %q", m.Config.Mode, cfg.Mode)
	case !reflect.DeepEqual(m.Task, task):
		return meta{}, fmt.Errorf("stgnn: state of task %+v, expected %+v", m.Task, task)
	}
	if err := m.Config.check(); err != nil {
		return meta{}, fmt.Errorf("state: %w", err)
	}
	return m, nil
}

// weights copies the trained arrays.
func weights(params []nn.Param[float32]) map[string]model.Tensor {
	out := make(map[string]model.Tensor, len(params))
	for _, p := range params {
		out[p.Name] = tensorOf(p.Var.Data, p.Var.Shape...)
	}
	return out
}

func tensorOf(data []float32, shape ...int) model.Tensor {
	return model.Tensor{Shape: append([]int(nil), shape...), Data: append([]float32(nil), data...)}
}

// floats stores small integers; float32 holds them exactly up to 2^24.
func floats(v []int32, shape ...int) model.Tensor {
	data := make([]float32, len(v))
	for i, x := range v {
		data[i] = float32(x)
	}
	return model.Tensor{Shape: shape, Data: data}
}

func integers(v []float32) []int32 {
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}

// store adds the scaler's arrays.
func (sc *scaler) store(out map[string]model.Tensor, f int) {
	n := len(sc.names)
	target := make([]float32, n)
	for i, t := range sc.target {
		if t {
			target[i] = 1
		}
	}
	pooled := make([]float32, 0, 5*f)
	for c := range f {
		pooled = append(pooled, sc.pooled[c].mean, sc.pooled[c].dev, sc.typical[c].mean, sc.typical[c].dev, sc.spread[c])
	}
	out["scale/mean"] = tensorOf(sc.mean, n, f)
	out["scale/deviation"] = tensorOf(sc.dev, n, f)
	out["scale/standing"] = tensorOf(sc.level, n, f, 2)
	out["scale/target"] = tensorOf(target, n)
	out["scale/pooled"] = tensorOf(pooled, f, 5)
}

// reader takes arrays out of a state and remembers the first that is not as expected.
type reader struct {
	tensors map[string]model.Tensor
	err     error
}

// take copies one array; nil if it isn't there in that shape, whatever sizes the rest
// of the state claims.
func (r *reader) take(name string, shape ...int) []float32 {
	if r.err != nil {
		return nil
	}
	t, ok := r.tensors[name]
	if !ok {
		r.err = fmt.Errorf("stgnn: state lacks array %q", name)
		return nil
	}
	fits := slices.Equal(t.Shape, shape)
	n := 1
	for _, s := range shape {
		fits = fits && s >= 0 && n <= math.MaxInt/max(s, 1)
		n *= s
	}
	if !fits || n != len(t.Data) {
		r.err = fmt.Errorf("stgnn: array %q has shape %v and %d values, expected %v", name, t.Shape, len(t.Data), shape)
		return nil
	}
	return slices.Clone(t.Data)
}

// weights fills trained arrays.
func (r *reader) weights(params []nn.Param[float32]) {
	for _, p := range params {
		copy(p.Var.Data, r.take(p.Name, p.Var.Shape...))
	}
}

// basis puts together what both modes store.
func (r *reader) basis(m meta) basis {
	return basis{cfg: m.Config, task: m.Task, channels: newChannels(m.Task), scale: r.scaler(m.Services, len(m.Task.Channels))}
}

// scaler reads what store wrote.
func (r *reader) scaler(names []string, f int) *scaler {
	n := len(names)
	sc := &scaler{names: names, mean: r.take("scale/mean", n, f), dev: r.take("scale/deviation", n, f), level: r.take("scale/standing", n, f, 2)}
	for _, v := range r.take("scale/target", n) {
		sc.target = append(sc.target, v != 0)
	}
	pooled := r.take("scale/pooled", f, 5)
	if r.err != nil {
		return sc
	}
	for c := range f {
		p := pooled[5*c : 5*c+5]
		sc.pooled = append(sc.pooled, stat{p[0], p[1]})
		sc.typical = append(sc.typical, stat{p[2], p[3]})
		sc.spread = append(sc.spread, p[4])
	}
	sc.reindex()
	return sc
}
