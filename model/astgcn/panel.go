package astgcn

import (
	"math/rand/v2"

	"presage/model"
	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/panel"
	"presage/model/tensor"
)

// New makes the network for a panel's services: channel 0 is the target, the others are attributes that change, and
// setup.Static are those that don't.
func New(setup panel.Setup, cfg Config, rng *rand.Rand) panel.Network {
	n := &panelNetwork{setup: setup, cfg: cfg}
	channels := 1
	if cfg.Attributes == Channels {
		channels = n.series(&panel.Batch{}).width(cfg.Window)
	}
	n.inner = newNetwork[float32](cfg, normalised(setup.Graph, setup.Services), channels, setup.Horizons*setup.Outputs, rng)
	return n
}

// normalised is the graph as T-GCN mixes with it.
func normalised(g *model.Graph, services int) *tensor.CSR[float32] {
	return adjacency.TGCN(&tensor.CSR[float32]{Rows: services, Cols: services, RowPtr: g.RowPtr, Col: g.Col, Val: g.Weight})
}

// panelNetwork is the network behind panel.Network.
type panelNetwork struct {
	setup panel.Setup
	cfg   Config
	inner *network[float32]
}

// Params implements panel.Network.
func (n *panelNetwork) Params() []nn.Param[float32] { return n.inner.params() }

// Buffers implements panel.Network.
func (n *panelNetwork) Buffers() map[string][]float32 { return nil }

// Forward implements panel.Network.
func (n *panelNetwork) Forward(t *tensor.Tape[float32], b *panel.Batch, _ *rand.Rand) *tensor.Var[float32] {
	x, steps := n.inputs(t, b)
	_, y := n.inner.forward(t, x, steps)
	if b.Level < n.setup.Horizons {
		y = t.SliceCols(y, 0, b.Level*n.setup.Outputs)
	}
	return y
}

func (n *panelNetwork) series(b *panel.Batch) series[float32] {
	return series[float32]{
		windows: b.Size, steps: n.setup.Input, services: n.setup.Services, channels: n.setup.Channels, x: b.X, static: n.setup.Static,
	}
}

// inputs are the cell's, [B × steps × N, C].
func (n *panelNetwork) inputs(t *tensor.Tape[float32], b *panel.Batch) (x *tensor.Var[float32], steps int) {
	s := n.series(b)
	switch n.cfg.Attributes {
	case Channels:
		rows, width := b.Size*s.steps*s.services, s.width(n.cfg.Window)
		v := t.Buffer(rows * width)
		s.widened(v, n.cfg.Window, 0)
		return t.Const(v, rows, width), s.steps
	case None:
		rows := b.Size * s.steps * s.services
		v := t.Buffer(rows)
		s.targets(v)
		return t.Const(v, rows, 1), s.steps
	default:
		rows := b.Size * s.length() * s.services
		v := t.Buffer(rows)
		s.lengthened(v)
		return t.Const(v, rows, 1), s.length()
	}
}
