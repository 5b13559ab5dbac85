package stgnn

import (
	"context"
	"fmt"
	"math"

	"presage/model"
	"presage/model/nn"
	"presage/model/tensor/pool"
)

// data are the windows of a part of the history, features made once.
type data struct {
	steps    []*model.Step
	features []*features
	origins  []int // places of the windows' last slices
}

func (b *basis) newData(steps []*model.Step, newFeatures func(*model.Step, []int32, unseen) *features) *data {
	d := &data{steps: steps, origins: model.Origins(steps, b.task.Input, b.task.Horizons)}
	r := ring{}
	for _, s := range steps {
		p := r.places(b.scale, s.Services)
		made := newFeatures(s, p.known, nil)
		made.services = p.services // shared, which makes them cheap to compare
		d.features = append(d.features, made)
	}
	return d
}

// view is the window that ends at an origin.
func (d *data) view(b *basis, memory *views, origin int) view {
	return memory.window(d.features[origin-b.task.Input+1:origin+1], d.steps[origin].At, nil)
}

// services is the mean number of services of the windows' last slices.
func (d *data) services() int {
	n := 0
	for _, o := range d.origins {
		n += len(d.features[o].services)
	}
	return max(1, n/max(1, len(d.origins)))
}

// rows are the services of a batch of windows: where each comes from and what should
// come out, standardised.
type rows struct {
	view           []view
	service        []int     // row in the window's last slice
	target, weight []float32 // [R × H]; weight is 0 where the target is missing, else importance
	views          views     // whose memory view is in
}

func (r *rows) reset() {
	r.views.reset()
	r.view, r.service = r.view[:0], r.service[:0]
	r.target, r.weight = r.target[:0], r.weight[:0]
}

// add appends the services of one window whose target was seen in it and comes again.
// Services that training never saw are left out: data has no scale for them.
func (r *rows) add(b *basis, d *data, origin int) {
	v := d.view(b, &r.views, origin)
	f, c, h := len(b.task.Channels), b.task.Target, b.task.Horizons
	last := d.features[origin]
	ahead := r.views.align(d.features[origin+1:origin+1+h], last.services)
	for i := range last.services {
		if last.known[i] < 0 || !b.observed(&v, i) {
			continue
		}
		at, seen := len(r.target), false
		importance := b.importance(&v, i)
		for k := range h {
			z := missing()
			if row := ahead.row(k, i); row >= 0 {
				z = ahead.slices[k].z[row*f+c]
			}
			w := importance
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
		r.view, r.service = append(r.view, v), append(r.service, i)
	}
}

// The importance of a service's row is what a deviation is worth in the target's unit at its last
// value, over what it is worth for the typical service, to this power and within these
// bounds. At 0 all services count the same; at 1 slow services, which decide the error in milliseconds,
// would leave nothing for the others.
const (
	importancePower = 0.5
	importanceBound = 4
)

func (b *basis) importance(v *view, i int) float32 {
	if !b.guarded() {
		return 1
	}
	c := b.task.Target
	last := v.slices[len(v.slices)-1]
	z := last.z[i*len(b.task.Channels)+c]
	if z != z {
		z = 0
	}
	worth := func(s stat, z float32) float64 {
		w := float64(s.dev)
		if b.channels.log[c] {
			w *= 1 + float64(b.channels.backward(c, s.mean+s.dev*z))
		}
		return w
	}
	ratio := worth(b.targetScale(v, i), z) / worth(b.scale.typical[c], 0)
	return float32(max(1.0/importanceBound, min(math.Pow(ratio, importancePower), importanceBound)))
}

// validationRows bounds the work of one validation.
const validationRows = 50_000

// validate is the mean absolute error on d of the medians [R × H] that predict gives for r's
// rows: on the standardised scale by importance, and in the target's unit; NaN without a target.
func (b *basis) validate(d *data, r *rows, predict func() []float32) (scaled, natural float64) {
	h := b.task.Horizons
	stride := 1 + len(d.origins)*d.services()/validationRows
	var points, total float64
	for w := 0; w < len(d.origins); w += stride {
		r.reset()
		r.add(b, d, d.origins[w])
		if len(r.service) == 0 {
			continue
		}
		y := predict()
		for k, weight := range r.weight {
			if weight == 0 {
				continue
			}
			v, i := &r.view[k/h], r.service[k/h]
			scaled += float64(weight) * math.Abs(float64(y[k]-r.target[k]))
			total += float64(weight)
			natural += math.Abs(float64(b.natural(v, i, y[k])) - float64(b.natural(v, i, r.target[k])))
			points++
		}
	}
	return scaled / total, natural / points
}

// train runs the training loop on a problem and reports it; natural holds the problem's last
// validation error in the target's unit.
func (c Config) train(ctx context.Context, p nn.Problem, params []nn.Param[float32], opt model.FitOptions, d *data, natural *float64, lane *pool.Lane) (model.FitReport, error) {
	o := c.options(opt, len(d.origins), d.services())
	o.Lane, o.Stop = lane, opt.Stop
	if opt.Progress != nil {
		o.Progress = func(epoch int, loss, _ float64) {
			opt.Progress(model.FitProgress{Epoch: epoch, Epochs: o.Epochs, TrainLoss: loss, ValidError: *natural})
		}
	}
	r, err := nn.Train(ctx, p, params, o)
	if err != nil {
		return model.FitReport{}, fmt.Errorf("stgnn: training stopped after %d epochs: %w", r.Epochs, err)
	}
	p.Validate() // of the weights that were kept, for their error in the target's unit
	return model.FitReport{
		Epochs: r.Epochs, BestEpoch: r.BestEpoch, ValidError: *natural,
		Parameters: nn.Count(params), Windows: len(d.origins), Stopped: r.Stopped, Cut: r.Cut, Diverged: r.Diverged,
	}, nil
}

// options plans a training within the budget: first fewer epochs, then fewer
// windows an epoch.
func (c Config) options(opt model.FitOptions, windows, services int) nn.Options {
	o := nn.Options{
		Seed: opt.Seed, Epochs: c.Epochs, Rate: c.Rate, Decay: max(c.Decay, 0), Decoupled: true, Clip: 5, Patience: c.Patience,
		Average: max(c.Average, 0), Batch: max(1, min(c.BatchRow/services, windows)),
	}
	if opt.Epochs > 0 {
		o.Epochs = opt.Epochs
	}
	const (
		fewest = 8 // epochs below which there are too few looks at the validation windows
		passes = 4 // over all windows at least, however long the history
	)
	c.Budget = max(c.Budget, passes*windows*services)
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
