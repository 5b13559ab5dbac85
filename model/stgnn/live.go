package stgnn

import (
	"presage/model"
	"presage/model/tensor"
	"presage/model/tensor/kernel"
	"presage/model/tensor/pool"
)

// live is what a forecaster keeps between forecasts beside its ring, so that it allocates
// nothing while services stay the same.
type live struct {
	l        *learned
	lane     *pool.Lane
	features func(*model.Step, []int32, unseen) *features
	workers  []worker
	views    views
	view     view // the present window
	steps    []*model.Step
	rows     []int
	each     int // rows that go through the network at a time
	values   []float32
}

// worker is the scratch of one thread.
type worker struct {
	assemble *assembler
	batch    batch[float32]
	tape     *tensor.Tape[float32]
}

func newLive(l *learned, r *ring, lane *pool.Lane) *live {
	s := &live{l: l, lane: lane, features: newMaker(l, r).features, steps: make([]*model.Step, l.task.Input)}
	for range lane.Workers() {
		s.workers = append(s.workers, worker{assemble: newAssembler(l), tape: tensor.NewInference[float32](nil)})
	}
	return s
}

// forecast is [N, H, Q] of every service of the window's last slice, in the target's unit. It is
// valid until the next call.
func (s *live) forecast(r *ring, window []*model.Step) ([]float32, error) {
	if err := arrange(s.steps, window, s.l.task); err != nil {
		return nil, err
	}
	slices, news := r.window(&s.l.basis, s.steps, s.features)
	s.views.reset()
	s.view = s.views.window(slices, s.steps[len(s.steps)-1].At, news)
	return s.predict(), nil
}

// predict splits the services over the lane's workers. A service's forecast depends on its own row
// alone, so the split changes nothing of it.
func (s *live) predict() []float32 {
	l, v := s.l, &s.view
	n, per := len(v.last().services), l.task.Horizons*len(l.task.Levels)
	s.rows = s.rows[:0]
	for i := range n {
		if l.speaks(v, i) {
			s.rows = append(s.rows, i)
		}
	}
	s.values = sized(s.values, n*per)
	if len(s.rows) < n {
		for i := range s.values {
			s.values[i] = missing()
		}
	}
	if len(s.rows) == 0 {
		return s.values
	}
	s.each = forecastRows
	if w := len(s.workers); w > 1 {
		s.each = min(forecastRows, (len(s.rows)+2*w-1)/(2*w))
	}
	s.lane.Run((len(s.rows)+s.each-1)/s.each, s)
	return s.values
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
