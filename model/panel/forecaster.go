package panel

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"presage/model"
	"presage/model/nn"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// Build makes a network with fresh weights.
type Build func(s Setup, rng *rand.Rand) (Network, error)

// New makes a forecaster of a network under a recipe. Its work is split over the lane's workers; nil means one
// thread.
func New(name string, t model.Task, r Recipe, build Build, lane *pool.Lane) (model.Forecaster, error) {
	if err := t.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := r.check(name); err != nil {
		return nil, err
	}
	return &forecaster{name: name, task: t, recipe: r, build: build, lane: lane, tape: tensor.NewInference[float32](lane)}, nil
}

type forecaster struct {
	name   string
	task   model.Task
	recipe Recipe
	build  Build
	lane   *pool.Lane
	tape   *tensor.Tape[float32]

	learned *learned // nil before the first fit
	net     Network
	band    *band // of a network that gives a point
	batch   Batch
	window  series // of a forecast
}

// Fit implements model.Forecaster. A warm start keeps the weights where the services are the same.
func (f *forecaster) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	l := newLearned(f.task, f.recipe, train)
	if len(l.services) == 0 {
		return model.FitReport{}, fmt.Errorf("%s: no service has an observation in %d training slices", f.name, len(train))
	}
	net, err := f.build(l.setup(), rand.New(rand.NewPCG(opt.Seed, 0x6e6574)))
	if err != nil {
		return model.FitReport{}, fmt.Errorf("%s: %w", f.name, err)
	}
	if opt.Warm && f.net != nil && model.Same(f.learned.services, l.services) {
		nn.Set(net.Params(), nn.Copy(f.net.Params()))
	}
	p := &problem{l: l, net: net, train: l.newSeries(train), valid: l.newSeries(valid), check: tensor.NewInference[float32](f.lane)}
	if len(p.train.origins) == 0 || len(p.valid.origins) == 0 {
		return model.FitReport{}, fmt.Errorf("%s: %d training and %d validation windows of %d + %d slices: %w", f.name,
			len(p.train.origins), len(p.valid.origins), f.task.Input, f.task.Horizons, model.ErrShortWindow)
	}
	o := l.options(opt.Seed)
	o.Lane, o.Stop, o.Buffers = f.lane, opt.Stop, buffers(net)
	if opt.Epochs > 0 {
		o.Epochs = opt.Epochs
	}
	if opt.Progress != nil {
		o.Progress = func(epoch int, loss, _ float64) {
			opt.Progress(model.FitProgress{Epoch: epoch, Epochs: o.Epochs, TrainLoss: loss, ValidError: p.natural})
		}
	}
	r, err := nn.Train(ctx, p, net.Params(), o)
	if err != nil {
		return model.FitReport{}, fmt.Errorf("%s: training stopped after %d epochs: %w", f.name, r.Epochs, err)
	}
	p.Validate()
	f.learned, f.net, f.band = l, net, nil
	if f.recipe.Head == HeadValue {
		f.band = p.newBand()
	}
	return model.FitReport{
		Epochs: r.Epochs, BestEpoch: r.BestEpoch, ValidError: p.natural, Parameters: nn.Count(net.Params()),
		Windows: len(p.train.origins), Stopped: r.Stopped, Cut: r.Cut, Diverged: r.Diverged,
	}, nil
}

// buffers are a network's, in the order of their names.
func buffers(net Network) [][]float32 {
	var out [][]float32
	named := net.Buffers()
	for _, name := range sorted(named) {
		out = append(out, named[name])
	}
	return out
}

// Forecast implements model.Forecaster. Services without a place in the panel, or without an observation in the
// window, get NaN.
func (f *forecaster) Forecast(window []*model.Step) (model.Prediction, error) {
	if f.learned == nil {
		return model.Prediction{}, fmt.Errorf("%s: neither fitted nor restored", f.name)
	}
	if len(window) == 0 {
		return model.Prediction{}, fmt.Errorf("%s: %w", f.name, model.ErrShortWindow)
	}
	l, h, q := f.learned, f.task.Horizons, len(f.task.Levels)
	f.fill(window)
	l.batch(&f.batch, &f.window, []int{l.task.Input - 1}, false)
	f.tape.Reset()
	y := l.forecast(f.tape, f.net, &f.batch, nil)

	origin := window[len(window)-1]
	p := model.Prediction{Services: origin.Services, Levels: f.task.Levels, Values: make([]float32, len(origin.Services)*h*q)}
	for i, row := range model.Index(l.services, origin.Services) {
		for step := range h {
			out := p.Values[(i*h+step)*q : (i*h+step+1)*q]
			if row < 0 || !f.seen(int(row)) {
				for k := range out {
					out[k] = float32(math.NaN())
				}
				continue
			}
			f.quantiles(out, int(row), step, y)
		}
	}
	return p, nil
}

// fill puts a window's steps at their distance from the last one.
func (f *forecaster) fill(window []*model.Step) {
	l, t := f.learned, f.task.Input
	last := window[len(window)-1]
	steps := make([]*model.Step, t)
	for k := range steps {
		steps[k] = &model.Step{At: last.At - int64(t-1-k)*last.Width, Width: last.Width, Segment: last.Segment}
	}
	for _, s := range window {
		if back := (last.At - s.At) / max(last.Width, 1); back >= 0 && back < int64(t) && s.Segment == last.Segment {
			steps[int64(t)-1-back] = s
		}
	}
	f.window = *l.newSeries(steps)
}

// seen says whether the target of a service was observed in the window.
func (f *forecaster) seen(row int) bool {
	n, c := len(f.learned.services), len(f.task.Channels)
	for k := range f.task.Input {
		if v := f.window.values[(k*n+row)*c+f.task.Target]; v == v {
			return true
		}
	}
	return false
}

// quantiles writes the forecast of a service for one step.
func (f *forecaster) quantiles(out []float32, row, step int, y *tensor.Var[float32]) {
	l := f.learned
	at := y.Data[(row*f.task.Horizons+step)*y.Cols():]
	for k := range out {
		z := at[0]
		if f.recipe.Head == HeadChange {
			z = at[k]
		} else if f.band != nil {
			z += f.band.Spread[row] * f.band.Offsets[step*len(out)+k]
		}
		out[k] = l.scale.natural(row, f.task.Target, z)
	}
}
