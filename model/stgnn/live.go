package stgnn

import (
	"presage/model"
	"presage/model/tensor"
	"presage/model/tensor/kernel"
	"presage/model/tensor/pool"
)

// present is the window that is forecast from and what is said of it, in memory that serves the next
// window too.
type present struct {
	views  views
	view   view
	steps  []*model.Step
	rows   []int     // of the last slice: the services of which something can be said
	values []float32 // [N, H, Q], missing for the others
}

// take aligns a window.
func (p *present) take(b *basis, r *ring, window []*model.Step, newFeatures func(*model.Step, []int32, unseen) *features) error {
	p.steps = sized(p.steps, b.task.Input)
	if err := arrange(p.steps, window, b.task); err != nil {
		return err
	}
	made, news := r.window(b, p.steps, newFeatures)
	p.views.reset()
	p.view = p.views.window(made, p.steps[len(p.steps)-1].At, news)
	return nil
}

// begin finds the services to speak of.
func (p *present) begin(b *basis) {
	n, per := len(p.view.last().services), b.task.Horizons*len(b.task.Levels)
	p.rows = p.rows[:0]
	for i := range n {
		if b.speaks(&p.view, i) {
			p.rows = append(p.rows, i)
		}
	}
	p.values = sized(p.values, n*per)
	if len(p.rows) < n {
		for i := range p.values {
			p.values[i] = missing()
		}
	}
}

// prediction is what was said.
func (p *present) prediction(t model.Task) model.Prediction {
	return model.Prediction{Services: p.steps[len(p.steps)-1].Services, Levels: t.Levels, Values: p.values}
}

// live is what a forecaster keeps between forecasts beside its ring, so that it allocates
// nothing while services stay the same.
type live struct {
	present
	l        *learned
	lane     *pool.Lane
	features func(*model.Step, []int32, unseen) *features
	workers  []worker
	each     int // rows that go through the network at a time
}

// worker is the scratch of one thread.
type worker struct {
	assemble *assembler
	batch    batch[float32]
	tape     *tensor.Tape[float32]
}

func newLive(l *learned, r *ring, lane *pool.Lane) *live {
	s := &live{l: l, lane: lane, features: newMaker(l, r).features}
	for range lane.Workers() {
		s.workers = append(s.workers, worker{assemble: newAssembler(l), tape: tensor.NewInference[float32](nil)})
	}
	return s
}

// forecast speaks of every service of the window's last slice, in the target's unit; it is valid until the
// next call. It splits the services over the lane's workers: a service's forecast depends on its own row
// alone, so the split changes nothing of it.
func (s *live) forecast(r *ring, window []*model.Step) error {
	if err := s.take(&s.l.basis, r, window, s.features); err != nil {
		return err
	}
	s.begin(&s.l.basis)
	s.each = forecastRows
	if w := len(s.workers); w > 1 {
		s.each = max(1, min(forecastRows, (len(s.rows)+2*w-1)/(2*w)))
	}
	s.lane.Run((len(s.rows)+s.each-1)/s.each, s)
	return nil
}

// Part implements pool.Task.
func (s *live) Part(i, worker int) {
	s.part(&s.workers[worker], &s.view, s.rows[i*s.each:min((i+1)*s.each, len(s.rows))])
}

// forecastRows is the number of services that go through the network at a time: what is assembled is
// read while it is in the cache, and memory stays small however many services there are.
const forecastRows = 512

// part forecasts some services.
func (s *live) part(w *worker, v *view, rows []int) {
	w.assemble.one(&w.batch, v, rows)
	w.tape.Reset()
	y := s.l.net.forward(w.tape, w.batch, nil)
	for from := 0; from < len(rows); from += naturalRows {
		s.l.naturals(s.values, y.Data, v, rows, from, min(from+naturalRows, len(rows)))
	}
}

// naturalRows is the number of rows that are turned back while they are in the nearest cache.
const naturalRows = 64

// naturals turns the standardised forecasts y [R, H, Q] of the services rows[from] … rows[to - 1] back
// to the target's unit, into their places in values [N, H, Q].
func (l *learned) naturals(values, y []float32, v *view, rows []int, from, to int) {
	per, log := l.task.Horizons*len(l.task.Levels), l.channels.log[l.task.Target]
	for k := from; k < to; k++ {
		st := l.targetScale(v, rows[k])
		out, in := values[rows[k]*per:(rows[k]+1)*per], y[k*per:(k+1)*per]
		if log {
			st.logs(out, in)
		} else {
			st.raw(out, in)
		}
	}
	if !log {
		return
	}
	// Rows rise: between them lie only services without a forecast, whose NaN stays.
	block := values[rows[from]*per : (rows[to-1]+1)*per]
	kernel.Expm1(block, block)
	rise(block, len(l.task.Levels))
}

func (s stat) raw(out, z []float32) {
	z = z[:len(out)]
	for i := range out {
		out[i] = s.mean + s.dev*z[i]
	}
}

// logs is raw within what may be raised from a logarithm.
func (s stat) logs(out, z []float32) {
	z = z[:len(out)]
	for i := range out {
		v := s.mean + s.dev*z[i]
		if v < 0 {
			v = 0
		} else if v > maxLog {
			v = maxLog
		}
		out[i] = v
	}
}

// rise keeps quantiles in order that lie within the rounding of the exponential.
func rise(values []float32, q int) {
	for at := 0; at+q <= len(values); at += q {
		before := values[at]
		for j := at + 1; j < at+q; j++ {
			if values[j] < before {
				values[j] = before
			}
			before = values[j]
		}
	}
}
