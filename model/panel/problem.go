package panel

import (
	"math"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// problem is the training of a network.
type problem struct {
	l            *learned
	net          Network
	train, valid *series
	check        *tensor.Tape[float32]
	batch        Batch
	origins      []int
	target       []float32 // [B, N, Level]
	weight       []float32
	seen         int
	natural      float64 // mean absolute error of the last validation, target's unit
}

// Samples is the number of training windows.
func (p *problem) Samples() int { return len(p.train.origins) }

// Loss is the recipe's.
func (p *problem) Loss(t *tensor.Tape[float32], windows []int, rng *rand.Rand) *tensor.Var[float32] {
	p.origins = p.origins[:0]
	for _, w := range windows {
		p.origins = append(p.origins, p.train.origins[w])
	}
	p.l.batch(&p.batch, p.train, p.origins, true)
	p.batch.Seen = p.seen
	if level := p.l.recipe.Level; level != nil {
		p.batch.Level = min(max(level(p.seen), 1), p.l.task.Horizons)
	}
	p.seen++
	p.arrange()
	y := p.l.forecast(t, p.net, &p.batch, rng)
	return p.l.loss(t, y, p.target, p.weight)
}

// arrange puts the targets in the order of the network's rows.
func (p *problem) arrange() {
	n, h, level := len(p.l.services), p.l.task.Horizons, p.batch.Level
	p.target, p.weight = p.target[:0], p.weight[:0]
	for b := range p.batch.Size {
		for i := range n {
			for step := range level {
				at := (b*h+step)*n + i
				p.target, p.weight = append(p.target, p.batch.Y[at]), append(p.weight, p.batch.Weight[at])
			}
		}
	}
}

// forecast gives scaled values [B × N × Level, outputs].
func (l *learned) forecast(t *tensor.Tape[float32], net Network, b *Batch, rng *rand.Rand) *tensor.Var[float32] {
	rows := b.Size * len(l.services) * b.Level
	y := t.Reshape(net.Forward(t, b, rng), rows, l.outputs())
	if l.recipe.Head != HeadChange {
		return y
	}
	base := t.Buffer(rows)
	n, c, in := len(l.services), l.inputs(), l.task.Input
	for w := range b.Size {
		for i := range n {
			last := b.X[((w*in+in-1)*n+i)*c+l.last]
			for step := range b.Level {
				base[(w*n+i)*b.Level+step] = last
			}
		}
	}
	return t.AddCol(t.Quantiles(y, l.task.Median()), t.Const(base, rows))
}

// loss compares scaled forecasts with scaled targets.
func (l *learned) loss(t *tensor.Tape[float32], y *tensor.Var[float32], target, weight []float32) *tensor.Var[float32] {
	switch l.recipe.Loss {
	case LossMAE:
		return t.Scale(t.Pinball(y, target, weight, []float64{0.5}), 2*l.scale.Dev[l.task.Target])
	case LossSquares:
		var count float32
		for _, w := range weight {
			count += w
		}
		return t.Scale(t.MSE(y, target, weight), count/2)
	}
	loss := t.Pinball(y, target, weight, l.task.Levels)
	m := l.task.Median()
	return t.Add(loss, t.Scale(t.Huber(t.SliceCols(y, m, m+1), target, weight, 1), huberOfTotal))
}

// centre is the column of the outputs that is the forecast itself.
func (l *learned) centre() int {
	if l.recipe.Head == HeadChange {
		return l.task.Median()
	}
	return 0
}

// validationRows bounds the work of one validation.
const validationRows = 50_000

// Validate is the mean absolute error of the centre, scaled.
func (p *problem) Validate() float64 {
	var scaled, points float64
	p.natural = 0
	p.overValid(func(row, _ int, y, target float32) {
		scaled += math.Abs(float64(y - target))
		p.natural += math.Abs(float64(p.l.scale.natural(row, p.l.task.Target, y)) - float64(p.l.scale.natural(row, p.l.task.Target, target)))
		points++
	})
	p.natural /= points
	return scaled / points
}

// overValid calls f for every observed target of the validation windows, or of enough of them.
func (p *problem) overValid(f func(row, step int, y, target float32)) {
	n, h := len(p.l.services), p.l.task.Horizons
	stride := 1 + len(p.valid.origins)*n/validationRows
	var origins []int
	for w := 0; w < len(p.valid.origins); w += stride {
		origins = append(origins, p.valid.origins[w])
	}
	for from := 0; from < len(origins); from += p.l.recipe.Batch {
		p.l.batch(&p.batch, p.valid, origins[from:min(from+p.l.recipe.Batch, len(origins))], true)
		p.arrange()
		p.check.Reset()
		y := p.l.forecast(p.check, p.net, &p.batch, nil)
		for k, w := range p.weight {
			if w != 0 {
				f(k/h%n, k%h, y.Data[k*y.Cols()+p.l.centre()], p.target[k])
			}
		}
	}
}

func (l *learned) options(seed uint64) nn.Options {
	r := l.recipe
	return nn.Options{
		Seed: seed, Epochs: r.Epochs, Batch: r.Batch, Rate: r.Rate, Decay: r.Decay, Decoupled: r.Decoupled, Clip: r.Clip,
		Patience: r.Patience, Average: r.Average, Schedule: r.schedule(),
	}
}
