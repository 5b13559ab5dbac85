package graphwavenet

import (
	"math/rand/v2"

	"presage/model"
	"presage/model/panel"
	"presage/model/tensor"
)

// New makes the network for the services of a panel. Without a graph, or with GraphOff, only the learned
// adjacency is left.
func New(setup panel.Setup, cfg Config, rng *rand.Rand) panel.Network {
	cfg = cfg.withDefaults()
	var transitions []tensor.Transition[float32]
	if cfg.Graph != GraphOff && setup.Graph != nil && len(setup.Graph.Col) > 0 {
		transitions = DoubleTransition(weights(setup.Graph))
	}
	sizes := Sizes{Nodes: setup.Services, Channels: setup.Channels, Outputs: setup.Horizons * setup.Outputs}
	return &onPanel{Network: NewNetwork(sizes, cfg, transitions, rng), setup: setup, moments: cfg.Receptive()}
}

// weights is the graph's weighted adjacency.
func weights(g *model.Graph) *tensor.CSR[float32] {
	n := len(g.RowPtr) - 1
	return &tensor.CSR[float32]{Rows: n, Cols: n, RowPtr: g.RowPtr, Col: g.Col, Val: g.Weight}
}

// onPanel feeds a network from a panel's batches.
type onPanel struct {
	*Network[float32]
	setup   panel.Setup
	moments int // that the network sees
}

// Forward implements panel.Network. Windows shorter than what the network sees are preceded by zeros, of longer ones
// the last moments are taken, so that the output is one moment.
func (p *onPanel) Forward(t *tensor.Tape[float32], b *panel.Batch, rng *rand.Rand) *tensor.Var[float32] {
	moment := p.setup.Services * p.setup.Channels
	x := t.Buffer(p.moments * b.Size * moment)
	for k := range p.moments {
		now := x[k*b.Size*moment : (k+1)*b.Size*moment]
		from := p.setup.Input - p.moments + k
		if from < 0 {
			clear(now)
			continue
		}
		for w := range b.Size {
			copy(now[w*moment:(w+1)*moment], b.X[(w*p.setup.Input+from)*moment:])
		}
	}
	y := p.Network.Forward(t, t.Const(x, p.moments*b.Size*p.setup.Services, p.setup.Channels), b.Size, rng != nil, rng)
	if cols := b.Level * p.setup.Outputs; cols < y.Cols() {
		y = t.SliceCols(y, 0, cols)
	}
	return y
}
