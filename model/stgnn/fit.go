package stgnn

import (
	"context"
	"math/rand/v2"

	"presage/model"
	"presage/model/tensor"
)

// problem is the training of the default mode.
type problem struct {
	l            *learned
	train, valid *data
	check        *tensor.Tape[float32]
	rows         rows
	assemble     *assembler
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
	p.assemble.fill(&p.batch, r.view, r.service)
	for i := range p.batch.name {
		if rng.Float64() < identityDropout {
			p.batch.name[i] = -1
		}
	}
	p.blank(rng)
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

// Validate is the mean absolute error of the median on the standardised scale.
func (p *problem) Validate() float64 {
	m := median(p.l.task.Levels)
	scaled, natural := p.l.validate(p.valid, &p.rows, func() []float32 {
		p.assemble.fill(&p.batch, p.rows.view, p.rows.service)
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
	features := newMaker(l, nil).features
	p := &problem{l: l, check: tensor.NewInference[float32](s.lane),
		train: l.newData(train, features), valid: l.newData(valid, features)}
	l.usual, l.extent = l.newUsual(p.train), l.newExtent(p.train)
	p.assemble = newAssembler(l)
	if before == nil {
		l.regress(p.train, p.assemble)
	}
	report, err := s.cfg.train(ctx, p, l.net.params(), opt, p.train, &p.natural, s.lane)
	if err != nil {
		return model.FitReport{}, err
	}
	s.learned, s.ring = l, ring{}
	return report, nil
}
