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
	batch   batchRows
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
	out := l.scaled(s, known, news)
	n, f := len(s.Services), len(l.task.Channels)
	width := f + clockFeatures
	out.input = make([]float32, n*width)
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
	return out
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

// batchRows is the scratch of one forward pass: which convolved rows each sequence is made of.
type batchRows struct {
	todo   []*features       // slices, each once
	offset map[*features]int // their first rows
	index  [][]int32         // [T, R]
	graphs []*tensor.CSR[float32]
}

// collect lists the slices of the windows and finds the sequences' rows among them.
func (b *batchRows) collect(input int, views []view, services []int) (rows int) {
	if b.offset == nil {
		b.offset = map[*features]int{}
		b.index = make([][]int32, input)
	}
	clear(b.offset)
	b.todo = b.todo[:0]
	for k := range views {
		v := &views[k]
		if k > 0 && v.same(&views[k-1]) {
			continue
		}
		for _, s := range v.slices {
			if s == nil {
				continue
			}
			if _, ok := b.offset[s]; ok {
				continue
			}
			b.offset[s] = rows
			rows += len(s.services)
			b.todo = append(b.todo, s)
		}
	}
	for k := range b.index {
		b.index[k] = b.index[k][:0]
		var last *features
		first := 0
		for j, i := range services {
			r := views[j].row(k, i)
			if r < 0 {
				b.index[k] = append(b.index[k], -1)
				continue
			}
			if s := views[j].slices[k]; s != last {
				last, first = s, b.offset[s]
			}
			b.index[k] = append(b.index[k], int32(first+r))
		}
	}
	return rows
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
func (l *paperLearned) keepConvolved(t *tensor.Tape[float32]) func(*model.Step, []int32, unseen) *features {
	return func(s *model.Step, known []int32, news unseen) *features {
		out := l.newFeatures(s, known, news)
		t.Reset()
		one := batchRows{todo: []*features{out}, offset: map[*features]int{out: 0}}
		out.conv = slices.Clone(l.convolve(t, &one, len(s.Services)).Data)
		if out.conv == nil {
			out.conv = []float32{} // a slice without services: convolved, and empty
		}
		return out
	}
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
	steps, err := place(window, l.task)
	if err != nil {
		return model.Prediction{}, err
	}
	made, news := s.ring.window(&l.basis, steps, l.keepConvolved(s.tape))
	last := steps[len(steps)-1]
	v := newView(made, last.At, news)
	h, q := l.task.Horizons, len(l.task.Levels)
	out := model.Prediction{Services: last.Services, Levels: l.task.Levels, Values: make([]float32, len(last.Services)*h*q)}
	for i := range out.Values {
		out.Values[i] = missing()
	}
	var rows []int
	for i := range last.Services {
		if l.speaks(&v, i) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return out, nil
	}
	s.tape.Reset()
	y := l.forward(s.tape, &s.batch, slices.Repeat([]view{v}, len(rows)), rows)
	for k, i := range rows {
		for step := range h {
			for j := range q {
				out.Values[(i*h+step)*q+j] = l.natural(&v, i, y.Data[k*h+step]+l.residual[step*q+j])
			}
		}
	}
	return out, nil
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
	l := newPaperLearned(r.basis(m), zeroRand())
	r.weights(l.net.params())
	copy(l.residual, r.take("residual", s.task.Horizons, len(s.task.Levels)))
	if r.err != nil {
		return r.err
	}
	s.learned, s.ring = l, ring{}
	return nil
}
