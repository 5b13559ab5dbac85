package dgcrn

import (
	"math/rand/v2"

	"presage/model"
	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/panel"
	"presage/model/tensor"
)

// forecaster is the network on panel's batches.
type forecaster struct {
	*Network[float32]
	setup panel.Setup
}

// New makes the network for a panel. Its inputs are the target, the time of day and the other channels, of which the
// decoder, for which they are in the future, gets zeros.
func New(setup panel.Setup, cfg Config, rng *rand.Rand) panel.Network {
	inputs := setup.Channels
	if !cfg.ClockInX {
		inputs++
	}
	a := calls(setup.Graph, setup.Services)
	supports := [2]*tensor.CSR[float32]{adjacency.RandomWalk(a), adjacency.RandomWalk(a.Transposed())}
	sizes := Sizes{Nodes: setup.Services, Inputs: max(inputs, 2), Outputs: max(setup.Outputs, 1)}
	return &forecaster{Network: NewNetwork(cfg, sizes, supports, rng), setup: setup}
}

// calls is the graph's matrix of weights.
func calls(g *model.Graph, n int) *tensor.CSR[float32] {
	if g == nil {
		return &tensor.CSR[float32]{Rows: n, Cols: n, RowPtr: make([]int32, n+1)}
	}
	return &tensor.CSR[float32]{Rows: n, Cols: n, RowPtr: g.RowPtr, Col: g.Col, Val: g.Weight}
}

// Buffers implements panel.Network: there are none.
func (f *forecaster) Buffers() map[string][]float32 { return nil }

// Params implements panel.Network.
func (f *forecaster) Params() []nn.Param[float32] { return f.Network.Params() }

// Forward implements panel.Network. In training the decoder is given the truth with the probability that Config.Threshold
// gives for b.Seen, by one draw a horizon for the whole batch.
func (f *forecaster) Forward(t *tensor.Tape[float32], b *panel.Batch, rng *rand.Rand) *tensor.Var[float32] {
	level := b.Level
	if level <= 0 {
		level = f.setup.Horizons
	}
	p := Pass[float32]{Inputs: make([]*tensor.Var[float32], f.setup.Input), Future: make([]*tensor.Var[float32], level)}
	for k := range p.Inputs {
		p.Inputs[k] = f.input(t, b, k)
	}
	for k := range p.Future {
		p.Future[k] = f.future(t, b, k)
	}
	if rng != nil && b.Y != nil {
		threshold := f.cfg.Threshold(b.Seen)
		p.Teach = func(horizon int, own *tensor.Var[float32]) *tensor.Var[float32] {
			if rng.Float64() >= threshold {
				return own
			}
			return f.truth(t, b, horizon, own)
		}
	}
	return f.Network.Forward(t, p)
}

// input is slice k of all windows, [B × N, I].
func (f *forecaster) input(t *tensor.Tape[float32], b *panel.Batch, k int) *tensor.Var[float32] {
	n, c, in, steps := f.setup.Services, f.setup.Channels, f.sizes.Inputs, f.setup.Input
	out := t.Buffer(b.Size * n * in)
	for window := range b.Size {
		day := b.Day[window*(steps+f.setup.Horizons)+k]
		for i := range n {
			from, row := b.X[((window*steps+k)*n+i)*c:][:c], out[(window*n+i)*in:][:in]
			if f.cfg.ClockInX && c > 1 {
				day, from = from[c-1], from[:c-1]
			}
			row[0], row[1] = from[0], day
			copy(row[2:], from[1:])
		}
	}
	return t.Const(out, b.Size*n, in)
}

// future is what the decoder knows of target slice k beside the value: the time of day.
func (f *forecaster) future(t *tensor.Tape[float32], b *panel.Batch, k int) *tensor.Var[float32] {
	n, in := f.setup.Services, f.sizes.Inputs-1
	out := t.Buffer(b.Size * n * in)
	clear(out)
	for window := range b.Size {
		day := b.Day[window*(f.setup.Input+f.setup.Horizons)+f.setup.Input+k]
		for i := range n {
			out[(window*n+i)*in] = day
		}
	}
	return t.Const(out, b.Size*n, in)
}

// truth is what was observed at a horizon, [B × N, 1], and the network's own value where nothing was.
func (f *forecaster) truth(t *tensor.Tape[float32], b *panel.Batch, horizon int, own *tensor.Var[float32]) *tensor.Var[float32] {
	n := f.setup.Services
	known, missing, all := t.Buffer(b.Size*n), t.Buffer(b.Size*n), true
	for window := range b.Size {
		at := (window*f.setup.Horizons + horizon) * n
		for i := range n {
			r := window*n + i
			known[r], missing[r] = b.Y[at+i], 0
			if b.Weight != nil && b.Weight[at+i] == 0 {
				known[r], missing[r], all = 0, 1, false
			}
		}
	}
	truth := t.Const(known, b.Size*n, 1)
	if all {
		return truth
	}
	return t.Add(t.MulCol(own, missing), truth)
}
