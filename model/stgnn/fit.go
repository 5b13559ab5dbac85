package stgnn

import (
	"context"
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/tensor"
)

// problem is the training of the default mode.
type problem struct {
	l            *learned
	train, valid *data
	check        *tensor.Tape[float32]
	rows         rows
	batch        batch[float32]
	natural      float64 // mean absolute error of the last validation, target's unit
}

// Samples is the number of training windows.
func (p *problem) Samples() int { return len(p.train.origins) }

// Loss is the pinball loss of all quantiles, and the Huber loss of the median.
func (p *problem) Loss(t *tensor.Tape[float32], windows []int, rng *rand.Rand) *tensor.Var[float32] {
	l, r := p.l, &p.rows
	r.reset()
	for _, w := range windows {
		r.add(&l.basis, p.train, p.train.origins[w])
	}
	if len(r.service) == 0 {
		return tensor.NewConst([]float32{0}, 1)
	}
	l.fill(&p.batch, r.view, r.service)
	for i := range p.batch.name {
		if rng.Float64() < identityDropout {
			p.batch.name[i] = -1
		}
	}
	y := l.net.forward(t, p.batch, rng)
	loss := t.Pinball(y, r.target, r.weight, l.task.Levels)
	if l.cfg.Huber > 0 {
		m := median(l.task.Levels)
		loss = t.Add(loss, t.Scale(t.Huber(t.SliceCols(y, m, m+1), r.target, r.weight, 1), float32(l.cfg.Huber)))
	}
	return loss
}

// identityDropout is the share of training rows that go without their identity, so that
// the network also learns to do without.
const identityDropout = 0.2

// fill assembles a batch.
func (l *learned) fill(b *batch[float32], views []view, services []int) {
	width := l.rowWidth()
	b.x = slices.Grow(b.x[:0], len(services)*width)[:len(services)*width]
	b.base, b.unit, b.trust = b.base[:0], b.unit[:0], b.trust[:0]
	b.slot, b.name = b.slot[:0], b.name[:0]
	for k, i := range services {
		v := views[k]
		base, unit := l.assemble(v, i, b.x[k*width:(k+1)*width])
		b.base, b.unit = append(b.base, base), append(b.unit, unit)
		b.trust = append(b.trust, l.trust(l.identity(v, i), base))
		b.slot = append(b.slot, l.clock.slot(v.at))
		b.name = append(b.name, l.identity(v, i))
	}
}

// Validate is the mean absolute error of the median on the standardised scale.
func (p *problem) Validate() float64 {
	m := median(p.l.task.Levels)
	scaled, natural := p.l.validate(p.valid, &p.rows, func() []float32 {
		p.l.fill(&p.batch, p.rows.view, p.rows.service)
		p.check.Reset()
		return p.check.SliceCols(p.l.net.forward(p.check, p.batch, nil), m, m+1).Data
	})
	p.natural = natural
	return scaled
}

// Fit implements model.Forecaster.
func (s *forecaster) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	train, valid, err := parts(s.task, train, valid)
	if err != nil {
		return model.FitReport{}, err
	}
	cfg := s.cfg
	var before *learned
	if opt.Warm && s.learned != nil {
		before = s.learned
		cfg = before.cfg
	}
	l := prepare(cfg, s.task, train, opt.Seed, before)
	p := &problem{l: l, check: tensor.NewInference[float32](s.lane),
		train: l.newData(train, l.newFeatures), valid: l.newData(valid, l.newFeatures)}
	l.usual, l.extent = l.newUsual(p.train), l.newExtent(p.train)
	if before == nil {
		l.regress(p.train)
	}
	report, err := s.cfg.train(ctx, p, l.net.params(), opt, p.train, &p.natural, s.lane)
	if err != nil {
		return model.FitReport{}, err
	}
	s.learned, s.ring = l, ring{}
	return report, nil
}
