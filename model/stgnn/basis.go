package stgnn

import (
	"math"

	"presage/model"
	"presage/model/tensor"
)

// basis is what both modes learn beside their weights: how channels are scaled.
type basis struct {
	cfg      Config
	task     model.Task
	channels channels
	scale    *scaler
}

func newBasis(cfg Config, t model.Task, train []*model.Step) basis {
	b := basis{cfg: cfg, task: t, channels: newChannels(t)}
	b.scale = newScaler(train, t, b.channels, cfg.Scaling)
	return b
}

// features is one slice as the network reads it. It depends on nothing but the slice and
// the learned state (and, where the slice has services that training never saw, on their
// scales), which is what lets it be kept. NaN marks a missing value.
type features struct {
	services []string
	known    []int32   // [N] places in the scaler, -1 for the unseen
	z        []float32 // [N, F] standardised
	d        []float32 // [N, Cd, ways] diffused, zero where nothing came
	there    []uint32  // [N] which of a service's Cd × ways came, a bit each
	degree   []float32 // [N, 2] log(1 + number of callees, of callers)

	// Paper mode's.
	input []float32            // [N, F + clockFeatures], zero where missing
	norm  *tensor.CSR[float32] // normalised adjacency
	conv  []float32            // [N, hidden], kept in forecasting only
}

// guarded says whether the network is held back outside of its training: see GuardAuto.
func (b *basis) guarded() bool {
	return b.cfg.Guard == GuardOn || b.cfg.Guard == GuardAuto && b.task.Log
}

// natural is a standardised target value of service i of a slice in the target's unit.
func (b *basis) natural(v *view, i int, z float32) float32 {
	st := b.targetScale(v, i)
	return b.channels.backward(b.task.Target, st.mean+st.dev*z)
}

// targetScale is how the target of service i of the window's last slice is standardised.
func (b *basis) targetScale(v *view, i int) stat {
	last := v.last()
	if row := last.known[i]; row >= 0 {
		return b.scale.at(row, b.task.Target, len(b.task.Channels))
	}
	if n, ok := v.news[last.services[i]]; ok {
		return n.scales[b.task.Target]
	}
	return stat{missing(), missing()}
}

// speaks says whether anything can be forecast for service i: its target was observed in the
// window or in training.
func (b *basis) speaks(v *view, i int) bool {
	if row := v.last().known[i]; row >= 0 && b.scale.target[row] {
		return true
	}
	return b.observed(v, i)
}

// observed says whether the target of service i was seen in the window.
func (b *basis) observed(v *view, i int) bool {
	f := len(b.task.Channels)
	for t := range v.slices {
		if r := v.row(t, i); r >= 0 {
			if z := v.slices[t].z[r*f+b.task.Target]; z == z {
				return true
			}
		}
	}
	return false
}

// missing marks a value that was not observed.
func missing() float32 { return float32(math.NaN()) }
