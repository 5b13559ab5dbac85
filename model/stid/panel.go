package stid

import (
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/panel"
	"presage/model/tensor"
)

// New makes the network for a panel's services. All channels of the panel enter the embedding of the window.
func New(setup panel.Setup, cfg Config, rng *rand.Rand) panel.Network {
	n := &panelNetwork{setup: setup, inputs: setup.Channels}
	if cfg.Calendar {
		n.inputs += 2
	}
	n.inner = newNetwork[float32](cfg, setup.Services, setup.Input*n.inputs, setup.Horizons*setup.Outputs, rng)
	return n
}

// panelNetwork is the network behind panel.Network.
type panelNetwork struct {
	setup  panel.Setup
	inputs int // a step
	inner  *network[float32]
	keys   keys // of the last batch, whose memory the next one takes
}

// Params implements panel.Network.
func (n *panelNetwork) Params() []nn.Param[float32] { return n.inner.params() }

// Buffers implements panel.Network.
func (n *panelNetwork) Buffers() map[string][]float32 { return nil }

// Forward implements panel.Network.
func (n *panelNetwork) Forward(t *tensor.Tape[float32], b *panel.Batch, rng *rand.Rand) *tensor.Var[float32] {
	rows := b.Size * n.setup.Services
	x := t.Buffer(rows * n.setup.Input * n.inputs)
	n.windows(x, b)
	n.look(b)
	y := n.inner.forward(t, t.Const(x, rows, n.setup.Input*n.inputs), n.keys, rng)
	if b.Level < n.setup.Horizons {
		y = t.SliceCols(y, 0, b.Level*n.setup.Outputs)
	}
	return y
}

// windows fills rows [B × N, T × inputs].
func (n *panelNetwork) windows(x []float32, b *panel.Batch) {
	steps, services, channels := n.setup.Input, n.setup.Services, n.setup.Channels
	for w := range b.Size {
		for k := range steps {
			from := b.X[(w*steps+k)*services*channels:]
			at := w*(steps+n.setup.Horizons) + k
			for i := range services {
				row := x[((w*services+i)*steps+k)*n.inputs:][:n.inputs]
				copy(row, from[i*channels:(i+1)*channels])
				if n.inner.cfg.Calendar {
					row[channels], row[channels+1] = b.Day[at], float32(b.Week[at])
				}
			}
		}
	}
}

// look fills the keys of a batch.
func (n *panelNetwork) look(b *panel.Batch) {
	n.keys = keys{n.keys.service[:0], n.keys.slot[:0], n.keys.day[:0]}
	for w := range b.Size {
		last := w*(n.setup.Input+n.setup.Horizons) + n.setup.Input - 1
		slot := slotOf(b.Day[last], n.inner.cfg.Slots)
		for i := range n.setup.Services {
			n.keys.service = append(n.keys.service, int32(i))
			n.keys.slot = append(n.keys.slot, slot)
			n.keys.day = append(n.keys.day, b.Week[last])
		}
	}
}
