package stgnn

import (
	"math"
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/tensor"
)

// learned is everything that forecasts depend on. It doesn't change between fits.
type learned struct {
	cfg      Config
	task     model.Task
	channels channels
	scale    *scaler
	similar  similar
	clock    clock
	net      *network[float32]
}

// prepare learns all but the weights from the training slices. With before the weights
// of an earlier fit are kept, the identities by name.
func prepare(cfg Config, t model.Task, train []*model.Step, seed uint64, before *learned) *learned {
	l := &learned{cfg: cfg, task: t, channels: newChannels(t)}
	l.scale = newScaler(train, t, l.channels, cfg.Scaling)
	l.similar = newSimilar(train, t, l.channels, l.scale, cfg.Similar)
	l.clock = newClock(train, cfg.Time)
	l.net = newNetwork[float32](cfg, l.dims(), rand.New(rand.NewPCG(seed, 0x77656967)))
	if before != nil {
		l.inherit(before)
	}
	return l
}

func (l *learned) dims() dims {
	return dims{
		inputs: l.rowWidth(), slots: l.clock.Slots, services: len(l.scale.names),
		horizons: l.task.Horizons, quantiles: len(l.task.Levels), median: median(l.task.Levels),
	}
}

// inherit takes over the weights of an earlier fit of the same task and configuration.
func (l *learned) inherit(before *learned) {
	old := map[string]*tensor.Var[float32]{}
	for _, p := range before.net.params() {
		old[p.Name] = p.Var
	}
	for _, p := range l.net.params() {
		from := old[p.Name]
		if from != nil && p.Name != "identity.weight" && slices.Equal(from.Shape, p.Var.Shape) {
			copy(p.Var.Data, from.Data)
		}
	}
	if l.net.name == nil || before.net.name == nil {
		return
	}
	w := l.cfg.Embed
	for i, name := range l.scale.names {
		if j, ok := before.scale.index[name]; ok {
			copy(l.net.name.Table.Data[i*w:(i+1)*w], before.net.name.Table.Data[int(j)*w:])
		}
	}
}

// natural is a standardised target value of service i of a slice in the target's unit.
func (l *learned) natural(v view, i int, z float32) float32 {
	st := l.targetScale(v, i)
	return l.channels.backward(l.task.Target, st.mean+st.dev*z)
}

// targetScale is how the target of service i of the window's last slice is standardised.
func (l *learned) targetScale(v view, i int) stat {
	last := v.slices[len(v.slices)-1]
	if row := last.known[i]; row >= 0 {
		return l.scale.at(row, l.task.Target, len(l.task.Channels))
	}
	if n, ok := v.news[last.services[i]]; ok {
		return n.scales[l.task.Target]
	}
	return stat{missing, missing}
}

// identity is the row of the identity embedding, or -1.
func (l *learned) identity(v view, i int) int32 { return v.slices[len(v.slices)-1].known[i] }

// speaks says whether anything can be forecast for service i: its target was observed in the
// window or in training.
func (l *learned) speaks(v view, i int) bool {
	if row := l.identity(v, i); row >= 0 && l.scale.target[row] {
		return true
	}
	f := len(l.task.Channels)
	for t := range v.slices {
		if r := v.row(t, i); r >= 0 {
			if z := v.slices[t].z[r*f+l.task.Target]; z == z {
				return true
			}
		}
	}
	return false
}

// predict forecasts every service of the window's last slice: [N, H, Q] in the target's
// unit.
func (l *learned) predict(tape *tensor.Tape[float32], v view) []float32 {
	last := v.slices[len(v.slices)-1]
	n, per := len(last.services), l.task.Horizons*len(l.task.Levels)
	out := make([]float32, n*per)
	var b batch[float32]
	var rows []int
	width := l.rowWidth()
	for i := range n {
		if !l.speaks(v, i) {
			for k := range per {
				out[i*per+k] = float32(math.NaN())
			}
			continue
		}
		rows = append(rows, i)
	}
	if len(rows) == 0 {
		return out
	}
	b.x = make([]float32, len(rows)*width)
	for k, i := range rows {
		b.base = append(b.base, l.assemble(v, i, b.x[k*width:(k+1)*width]))
		b.slot = append(b.slot, l.clock.slot(v.at))
		b.name = append(b.name, l.identity(v, i))
	}
	tape.Reset()
	y := l.net.forward(tape, b, nil)
	for k, i := range rows {
		for j := range per {
			out[i*per+j] = l.natural(v, i, y.Data[k*per+j])
		}
	}
	return out
}
