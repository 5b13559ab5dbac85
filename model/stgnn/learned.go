package stgnn

import (
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/tensor"
)

// learned is everything that the default mode's forecasts depend on. It doesn't change
// between fits.
type learned struct {
	basis
	lead   lead
	usual  []float32 // [names + 1] usual unit of change, of all services at the end
	extent []float32 // [names, 2] lowest and highest target value in training, standardised
	clock  clock
	net    *network[float32]
}

// prepare learns all but the weights from the training slices. With before the weights
// of an earlier fit are kept, the identities by name.
func prepare(cfg Config, t model.Task, train []*model.Step, seed uint64, before *learned) *learned {
	l := &learned{basis: newBasis(cfg, t, train)}
	l.lead = newLead(train, t, l.channels, l.scale, cfg.Lead)
	l.clock = newClock(train, cfg.Time)
	l.net = newNetwork[float32](cfg, l.dims(), rand.New(rand.NewPCG(seed, 0x77656967)))
	if before != nil {
		l.inherit(before)
	}
	return l
}

func (l *learned) dims() dims {
	return dims{
		inputs: l.rowWidth(), lag: l.task.Input * len(l.channels.diffused) * ways, lags: l.task.Input - 1, slots: l.clock.Slots, services: len(l.scale.names),
		series:   series{steps: l.task.Input, neighbours: len(l.channels.diffused) * ways, own: len(l.task.Channels)},
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
