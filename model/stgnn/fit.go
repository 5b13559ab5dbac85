package stgnn

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/nn"
	"presage/model/tensor"
)

// data are the windows of a part of the history, features made once.
type data struct {
	steps    []*model.Step
	features []*features
	origins  []int // places of the windows' last slices
}

func (l *learned) newData(steps []*model.Step) *data {
	d := &data{steps: steps, origins: model.Origins(steps, l.task.Input, l.task.Horizons)}
	r := ring{}
	for _, s := range steps {
		d.features = append(d.features, l.newFeatures(s, r.places(l.scale, s.Services), nil))
	}
	return d
}

// view is the window that ends at an origin.
func (d *data) view(l *learned, origin int) view {
	return newView(d.features[origin-l.task.Input+1:origin+1], d.steps[origin].At, nil)
}

// problem is the training of the default mode.
type problem struct {
	l            *learned
	train, valid *data
	check        *tensor.Tape[float32]
	rows         rows
	natural      float64 // mean absolute error of the last validation, target's unit
}

// rows are the rows of a batch: what goes in and what should come out.
type rows struct {
	batch[float32]
	target, weight []float32 // [R × H]
	view           []view    // [R] where each comes from
	service        []int     // [R] its row there
	step           []int     // [R] place of the window's last slice
}

func (r *rows) reset() {
	r.x, r.base, r.slot, r.name = r.x[:0], r.base[:0], r.slot[:0], r.name[:0]
	r.target, r.weight = r.target[:0], r.weight[:0]
	r.view, r.service, r.step = r.view[:0], r.service[:0], r.step[:0]
}

// add appends the services of one window whose target was seen in it and comes again.
func (r *rows) add(l *learned, d *data, origin int) {
	v := d.view(l, origin)
	f, c, h := len(l.task.Channels), l.task.Target, l.task.Horizons
	last := v.slices[len(v.slices)-1]
	ahead := align(d.features[origin+1:origin+1+h], last.services)
	width := l.rowWidth()
	for i := range last.services {
		if last.known[i] < 0 || !l.observed(v, i) {
			continue
		}
		at, seen := len(r.target), false
		for k := range h {
			z := missing
			if row := ahead.row(k, i); row >= 0 {
				z = ahead.slices[k].z[row*f+c]
			}
			w := float32(1)
			if z != z {
				z, w = 0, 0
			}
			seen = seen || w > 0
			r.target, r.weight = append(r.target, z), append(r.weight, w)
		}
		if !seen {
			r.target, r.weight = r.target[:at], r.weight[:at]
			continue
		}
		r.x = slices.Grow(r.x, width)[:len(r.x)+width]
		r.base = append(r.base, l.assemble(v, i, r.x[len(r.x)-width:]))
		r.slot = append(r.slot, l.clock.slot(v.at))
		r.name = append(r.name, l.identity(v, i))
		r.view, r.service, r.step = append(r.view, v), append(r.service, i), append(r.step, origin)
	}
}

// Samples is the number of training windows.
func (p *problem) Samples() int { return len(p.train.origins) }

// Loss is the pinball loss of all quantiles, and the Huber loss of the median.
func (p *problem) Loss(t *tensor.Tape[float32], windows []int, rng *rand.Rand) *tensor.Var[float32] {
	l, r := p.l, &p.rows
	r.reset()
	for _, w := range windows {
		r.add(l, p.train, p.train.origins[w])
	}
	if len(r.base) == 0 {
		return tensor.NewConst([]float32{0}, 1)
	}
	for i := range r.name {
		if rng.Float64() < identityDropout {
			r.name[i] = -1
		}
	}
	y := l.net.forward(t, r.batch, rng)
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

// validationRows bounds the work of one validation.
const validationRows = 50_000

// Validate is the mean absolute error of the median on the standardised scale.
func (p *problem) Validate() float64 {
	l, r := p.l, &p.rows
	m, q, h := median(l.task.Levels), len(l.task.Levels), l.task.Horizons
	services := len(p.valid.features[0].services)
	stride := 1 + len(p.valid.origins)*services/validationRows
	var scaled, natural, points float64
	for w := 0; w < len(p.valid.origins); w += stride {
		r.reset()
		r.add(l, p.valid, p.valid.origins[w])
		if len(r.base) == 0 {
			continue
		}
		p.check.Reset()
		y := l.net.forward(p.check, r.batch, nil)
		for k, weight := range r.weight {
			if weight == 0 {
				continue
			}
			row := k / h
			got, want := y.Data[k*q+m], r.target[k]
			v, i := r.view[row], r.service[row]
			scaled += math.Abs(float64(got - want))
			natural += math.Abs(float64(l.natural(v, i, got)) - float64(l.natural(v, i, want)))
			points++
		}
	}
	p.natural = natural / max(points, 1)
	return scaled / max(points, 1)
}

// observed says whether the target of service i was seen in the window.
func (l *learned) observed(v view, i int) bool {
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

// Fit implements model.Forecaster.
func (s *forecaster) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	train, valid, err := parts(s.task, train, valid)
	if err != nil {
		return model.FitReport{}, err
	}
	var before *learned
	if opt.Warm {
		before = s.learned
	}
	cfg := s.cfg
	if before != nil {
		cfg = before.cfg
	}
	l := prepare(cfg, s.task, train, opt.Seed, before)
	p := &problem{l: l, train: l.newData(train), valid: l.newData(valid), check: tensor.NewInference[float32]()}
	services := 0
	for _, o := range p.train.origins {
		services += len(p.train.features[o].services)
	}
	o := s.cfg.options(opt, len(p.train.origins), services/len(p.train.origins))
	if opt.Progress != nil {
		o.Progress = func(epoch int, loss, _ float64) {
			opt.Progress(model.FitProgress{Epoch: epoch, Epochs: o.Epochs, TrainLoss: loss, ValidError: p.natural})
		}
	}
	params := l.net.params()
	r, err := nn.Train(ctx, p, params, o)
	if err != nil {
		return model.FitReport{}, fmt.Errorf("stgnn: training stopped after %d epochs: %w", r.Epochs, err)
	}
	p.Validate() // of the weights that were kept, for the error in the target's unit
	s.learned, s.ring = l, ring{}
	return model.FitReport{
		Epochs: r.Epochs, BestEpoch: r.BestEpoch, ValidError: p.natural,
		Parameters: nn.Count(params), Windows: len(p.train.origins), Stopped: r.Stopped,
	}, nil
}

// options plans a training within the budget: first fewer epochs, then fewer
// windows an epoch.
func (c Config) options(opt model.FitOptions, windows, services int) nn.Options {
	services = max(services, 1)
	o := nn.Options{
		Seed: opt.Seed, Epochs: c.Epochs, Rate: c.Rate, Decay: max(c.Decay, 0), Clip: 5, Patience: c.Patience,
		Average: max(c.Average, 0), Batch: max(1, min(c.BatchRow/services, windows)),
	}
	if opt.Epochs > 0 {
		o.Epochs = opt.Epochs
	}
	const fewest = 8 // epochs below which there are too few looks at the validation windows
	if all := c.Budget / (windows * services); all < o.Epochs {
		o.Epochs = min(o.Epochs, max(all, fewest))
		o.PerEpoch = min(windows, max(o.Batch, c.Budget/(o.Epochs*services)))
	}
	return o
}

// parts makes sure that there is something to train on and to stop by. Without validation
// windows the last sixth of the training windows serves, less an embargo.
func parts(t model.Task, train, valid []*model.Step) (_, _ []*model.Step, err error) {
	have := model.Origins(train, t.Input, t.Horizons)
	if len(model.Origins(valid, t.Input, t.Horizons)) > 0 && len(have) > 0 {
		return train, valid, nil
	}
	if len(have) > 1 {
		p, err := model.Split(train, t.Input, t.Horizons, 1.0/6, 0)
		if err == nil {
			return p.Train, p.Valid, nil
		}
	}
	return nil, nil, fmt.Errorf("stgnn: %d training slices hold %d windows of %d + %d slices, too few to train and validate on: %w",
		len(train), len(have), t.Input, t.Horizons, model.ErrShortWindow)
}
