package ltsf

import (
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/panel"
	"presage/model/tensor"
)

// NewNLinear makes an NLinear that all services share. With more than one output a horizon these are of the change
// from the last value, as the panel's head takes them; a single one is the value itself, as published.
func NewNLinear(setup panel.Setup, rng *rand.Rand) panel.Network {
	return &network{setup: setup, inner: &nlinear[float32]{
		lines: newLines[float32](setup.Input, setup.Horizons*setup.Outputs, 1, rng), change: setup.Outputs > 1,
	}}
}

// NewDLinear makes a DLinear that all services share.
func NewDLinear(setup panel.Setup, rng *rand.Rand) panel.Network {
	return &network{setup: setup, inner: newDLinear[float32](setup.Input, setup.Horizons*setup.Outputs, 1, rng)}
}

// network is either of them behind panel.Network.
type network struct {
	setup panel.Setup
	inner interface {
		forward(t *tensor.Tape[float32], x *tensor.Var[float32]) *tensor.Var[float32]
		params() []nn.Param[float32]
	}
}

// Params implements panel.Network.
func (n *network) Params() []nn.Param[float32] { return n.inner.params() }

// Buffers implements panel.Network.
func (n *network) Buffers() map[string][]float32 { return nil }

// Forward implements panel.Network.
func (n *network) Forward(t *tensor.Tape[float32], b *panel.Batch, _ *rand.Rand) *tensor.Var[float32] {
	services, steps := n.setup.Services, n.setup.Input
	x := t.Buffer(b.Size * services * steps)
	turn(x, b.X, b.Size, steps, services, n.setup.Channels)
	y := n.inner.forward(t, t.Const(x, b.Size*services, steps))
	if b.Level < n.setup.Horizons {
		y = t.SliceCols(y, 0, b.Level*n.setup.Outputs)
	}
	return y
}

// turn takes channel 0 of [B, T, N, C] as [B, N, T].
func turn(dst, src []float32, windows, steps, services, channels int) {
	for w := range windows {
		for k := range steps {
			from := src[(w*steps+k)*services*channels:]
			for i := range services {
				dst[(w*services+i)*steps+k] = from[i*channels]
			}
		}
	}
}
