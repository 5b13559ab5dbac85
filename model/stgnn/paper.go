package stgnn

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"presage/model"
	"presage/model/nn/adjacency"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// paper is the forecaster of paper mode: the paper's equations behind model.Forecaster.
//
// The paper has one output and no quantiles: here the MLP gives H values, and quantiles
// other than the median are the median moved by the quantiles of the validation
// residuals of that horizon, on the standardised scale. A missing value enters as the
// service's training mean.
type paper struct {
	task    model.Task
	cfg     Config
	lane    *pool.Lane
	learned *paperLearned // nil before the first fit
	ring    ring
	tape    *tensor.Tape[float32]

	// What a forecast leaves to the next one, so that it allocates nothing.
	present
	batch    batchRows
	alone    batchRows // of one slice
	same     []view    // the window, once a service
	features func(*model.Step, []int32, unseen) *features
}

// paperLearned is everything that paper mode's forecasts depend on.
type paperLearned struct {
	basis
	clock    clock
	net      *plain[float32]
	residual []float32 // [H, Q], zero at the median

	seen *model.Graph // the last one, and its adjacency: see normalised
	norm *tensor.CSR[float32]
}

func newPaperLearned(b basis, rng *rand.Rand) *paperLearned {
	on := b.cfg.Time != "off"
	inputs := len(b.task.Channels) + clockFeatures
	return &paperLearned{
		basis: b, clock: clock{Day: on, Week: on},
		net:      newPlain[float32](inputs, b.cfg.Hidden, b.task.Horizons, rng),
		residual: make([]float32, b.task.Horizons*len(b.task.Levels)),
	}
}

// newFeatures standardises a slice, adds the time and normalises the graph.
func (l *paperLearned) newFeatures(s *model.Step, known []int32, news unseen) *features {
	out := &features{}
	l.fill(out, s, known, news)
	return out
}

// fill is newFeatures into given memory.
func (l *paperLearned) fill(out *features, s *model.Step, known []int32, news unseen) {
	l.standardise(out, s, known, news)
	n, f := len(s.Services), len(l.task.Channels)
	width := f + clockFeatures
	out.input = sized(out.input, n*width)
	clear(out.input)
	for i := range n {
		row := out.input[i*width : (i+1)*width]
		for c, z := range out.z[i*f : (i+1)*f] {
			if z == z {
				row[c] = z
			}
		}
		l.clock.encode(s.At, row[f:])
	}
	out.norm = l.normalised(s.Graph, n)
}

// normalised is the graph's adjacency as the convolutions use it. Slices that share a graph share
// it too: it is made once a graph.
func (l *paperLearned) normalised(g *model.Graph, n int) *tensor.CSR[float32] {
	if l.seen != g || l.norm == nil || l.norm.Rows != n {
		l.seen, l.norm = g, adjacency.Symmetric(l.weights(g, n))
	}
	return l.norm
}

// weights is the adjacency as configured.
func (l *paperLearned) weights(g *model.Graph, n int) *tensor.CSR[float32] {
	a := &tensor.CSR[float32]{Rows: n, Cols: n, RowPtr: g.RowPtr, Col: g.Col, Val: make([]float32, len(g.Col))}
	if l.cfg.Graph != GraphOn {
		a.RowPtr, a.Col, a.Val = make([]int32, n+1), nil, nil
		return a
	}
	largest := float32(0)
	for e, w := range g.Weight {
		switch l.cfg.Adjacency {
		case AdjacencyBinary:
			a.Val[e] = 1
		case AdjacencyRaw:
			a.Val[e] = w
		default:
			a.Val[e] = float32(math.Log1p(float64(max(w, 0))))
			largest = max(largest, a.Val[e])
		}
	}
	if largest > 0 {
		for e := range a.Val {
			a.Val[e] /= largest
		}
	}
	return a
}

// forward gives [R, H] standardised values for services of windows. Slices whose
// convolution is not at hand are convolved on the tape, all at once; windows share them.
func (l *paperLearned) forward(t *tensor.Tape[float32], b *batchRows, views []view, services []int) *tensor.Var[float32] {
	rows := b.collect(l.task.Input, views, services)
	conv := l.convolve(t, b, rows)
	return l.net.head.Forward(t, l.net.remember(t, conv, b.index))
}

// convolve gives the convolved rows of b's slices, one after the other.
func (l *paperLearned) convolve(t *tensor.Tape[float32], b *batchRows, rows int) *tensor.Var[float32] {
	hidden, width := l.cfg.Hidden, len(l.task.Channels)+clockFeatures
	if b.todo[0].conv != nil {
		kept := t.Buffer(rows * hidden)
		for _, s := range b.todo {
			copy(kept[b.offset[s]*hidden:], s.conv)
		}
		return t.Const(kept, rows, hidden)
	}
	input := t.Buffer(rows * width)
	b.graphs = b.graphs[:0]
	for _, s := range b.todo {
		copy(input[b.offset[s]*width:], s.input)
		b.graphs = append(b.graphs, s.norm)
	}
	return l.net.convolve(t, t.Const(input, rows, width), b.graphs)
}

// keepConvolved convolves a slice once and for all.
func (s *paper) keepConvolved(step *model.Step, known []int32, news unseen) *features {
	l, out := s.learned, s.ring.reused()
	l.fill(out, step, known, news)
	conv := out.conv[:0]
	out.conv = nil // or the slice counts as convolved
	s.alone.begin(l.task.Input)
	rows := s.alone.put(out, 0)
	s.tape.Reset()
	out.conv = append(conv, l.convolve(s.tape, &s.alone, rows).Data...)
	if out.conv == nil {
		out.conv = []float32{} // a slice without services: convolved, and empty
	}
	return out
}

// paperProblem is the training of paper mode.
type paperProblem struct {
	l            *paperLearned
	train, valid *data
	check        *tensor.Tape[float32]
	rows         rows
	batch        batchRows
	natural      float64
}

// Samples is the number of training windows.
func (p *paperProblem) Samples() int { return len(p.train.origins) }

// Loss is the mean squared error (eq. 4).
func (p *paperProblem) Loss(t *tensor.Tape[float32], windows []int, _ *rand.Rand) *tensor.Var[float32] {
	r := &p.rows
	r.reset()
	for _, w := range windows {
		r.add(&p.l.basis, p.train, p.train.origins[w])
	}
	if len(r.service) == 0 {
		return tensor.NewConst([]float32{0}, 1)
	}
	return t.MSE(p.l.forward(t, &p.batch, r.view, r.service), r.target, r.weight)
}

// Validate is the mean absolute error on the standardised scale.
func (p *paperProblem) Validate() float64 {
	scaled, natural := p.l.validate(p.valid, &p.rows, p.predict)
	p.natural = natural
	return scaled
}

func (p *paperProblem) predict() []float32 {
	p.check.Reset()
	return p.l.forward(p.check, &p.batch, p.rows.view, p.rows.service).Data
}

// calibrate sets the residual quantiles from the validation windows.
func (p *paperProblem) calibrate() {
	l := p.l
	h, q := l.task.Horizons, len(l.task.Levels)
	found := make([][]float64, h)
	l.validate(p.valid, &p.rows, func() []float32 {
		y := p.predict()
		for k, w := range p.rows.weight {
			if w > 0 {
				found[k%h] = append(found[k%h], float64(p.rows.target[k]-y[k]))
			}
		}
		return y
	})
	m := median(l.task.Levels)
	for k, r := range found {
		slices.Sort(r)
		out := l.residual[k*q : (k+1)*q]
		for j, level := range l.task.Levels {
			if j == m || len(r) == 0 {
				continue
			}
			// Nearest rank; the median itself is not moved, so none may cross it.
			v := float32(r[min(len(r)-1, int(level*float64(len(r))))])
			if j < m {
				out[j] = min(v, 0)
			} else {
				out[j] = max(v, 0)
			}
		}
	}
}

// Fit implements model.Forecaster.
func (s *paper) Fit(ctx context.Context, train, valid []*model.Step, opt model.FitOptions) (model.FitReport, error) {
	train, valid, err := parts(s.task, train, valid)
	if err != nil {
		return model.FitReport{}, err
	}
	cfg := s.cfg
	warm := opt.Warm && s.learned != nil
	if warm {
		cfg = s.learned.cfg
	}
	l := newPaperLearned(newBasis(cfg, s.task, train), rand.New(rand.NewPCG(opt.Seed, 0x70617065)))
	if warm {
		before := s.learned.net.params()
		for i, p := range l.net.params() {
			copy(p.Var.Data, before[i].Var.Data)
		}
	}
	p := &paperProblem{l: l, check: tensor.NewInference[float32](s.lane),
		train: l.newData(train, l.newFeatures), valid: l.newData(valid, l.newFeatures)}
	report, err := s.cfg.train(ctx, p, l.net.params(), opt, p.train, &p.natural, s.lane)
	if err != nil {
		return model.FitReport{}, err
	}
	p.calibrate()
	s.learned, s.ring = l, ring{}
	return report, nil
}

// Forecast implements model.Forecaster; short windows as in the default mode.
func (s *paper) Forecast(window []*model.Step) (model.Prediction, error) {
	if s.learned == nil {
		return model.Prediction{}, ErrNotFitted
	}
	s.lane.Begin()
	defer s.lane.End()
	l := s.learned
	if s.features == nil {
		s.features = s.keepConvolved
	}
	if err := s.take(&l.basis, &s.ring, window, s.features); err != nil {
		return model.Prediction{}, err
	}
	s.begin(&l.basis)
	if len(s.rows) > 0 {
		s.speak()
	}
	return s.prediction(l.task), nil
}

// speak forecasts the services of which something can be said.
func (s *paper) speak() {
	l := s.learned
	h, q := l.task.Horizons, len(l.task.Levels)
	s.same = s.same[:0]
	for range s.rows {
		s.same = append(s.same, s.view)
	}
	s.tape.Reset()
	y := l.forward(s.tape, &s.batch, s.same, s.rows)
	for k, i := range s.rows {
		for step := range h {
			for j := range q {
				s.values[(i*h+step)*q+j] = l.natural(&s.view, i, y.Data[k*h+step]+l.residual[step*q+j])
			}
		}
	}
}

// State implements model.Forecaster.
func (s *paper) State() (model.State, error) {
	if s.learned == nil {
		return model.State{}, ErrNotFitted
	}
	l := s.learned
	m := meta{Network: networkName, Version: stateVersion, Task: l.task, Config: l.cfg, Clock: l.clock, Services: l.scale.names}
	tensors := weights(l.net.params())
	l.scale.store(tensors, len(l.task.Channels))
	tensors["residual"] = tensorOf(l.residual, l.task.Horizons, len(l.task.Levels))
	return pack(m, tensors)
}

// Restore implements model.Forecaster.
func (s *paper) Restore(st model.State) error {
	m, err := unpack(st, s.task, s.cfg)
	if err != nil {
		return err
	}
	r := reader{tensors: st.Tensors}
	b := r.basis(m)
	if r.err != nil {
		return r.err
	}
	l := newPaperLearned(b, zeroRand())
	r.weights(l.net.params())
	copy(l.residual, r.take("residual", s.task.Horizons, len(s.task.Levels)))
	if r.err != nil {
		return r.err
	}
	s.learned, s.ring = l, ring{}
	return nil
}
