package tensor

import (
	"math"

	"presage/model/tensor/kernel"
)

// BatchNormWeights are a batch normalisation's arrays, [C] each.
type BatchNormWeights[T Float] struct {
	Scale, Shift *Var[T]
	Mean, Var    []T // running statistics, without a gradient
}

// The constants of Ioffe and Szegedy's batch normalisation, as PyTorch has them.
const (
	batchNormEpsilon  = 1e-5
	batchNormMomentum = 0.1
)

// BatchNorm normalises each column of x [.., C] over all rows:
//
//	y[r, c] = Scale[c] (x[r, c] - m[c]) / √(v[c] + 1e-5) + Shift[c]
//
// In training m and v are the mean and the (biased) variance of the rows, and the running statistics move
// a tenth of the way to them, the variance to the unbiased one. Otherwise m and v are the running statistics.
func (t *Tape[T]) BatchNorm(x *Var[T], w BatchNormWeights[T], training bool) *Var[T] {
	c, rows := x.Cols(), x.Rows()
	if len(w.Scale.Data) != c || len(w.Shift.Data) != c || len(w.Mean) != c || len(w.Var) != c {
		bug("batch normalisation of %d columns over shape %v", len(w.Scale.Data), x.Shape)
	}
	y := t.result(x.Shape, x.Grad != nil || w.Scale.Grad != nil)
	b := &t.extensions.norms.Take(1)[0]
	*b = batchNorm[T]{x: x, y: y, w: w, training: training, rows: rows, c: c, centre: t.mem.Take(c), slope: t.mem.Take(c),
		inverse: t.mem.Take(c), offset: t.mem.Take(c), tile: tileRows(c)}
	b.parts = (rows + normRows - 1) / normRows
	b.scratch = t.mem.Take(t.lane.Workers() * 4 * b.tile * c)
	b.sums = t.mem.Take(2 * b.parts * c)
	if training && rows > 0 {
		b.phase = normStatistics
		t.lane.Run(b.parts, b)
		b.gather()
	} else {
		copy(b.centre, w.Mean)
		for j, v := range w.Var {
			b.inverse[j] = T(1 / math.Sqrt(float64(v)+batchNormEpsilon))
		}
	}
	for j := range c {
		b.slope[j] = w.Scale.Data[j] * b.inverse[j]
		b.offset[j] = w.Shift.Data[j] - b.centre[j]*b.slope[j]
	}
	b.phase = normApply
	t.lane.Run(b.parts, b)
	return t.record(node[T]{op: opExtended, y: y, more: b})
}

const (
	normRows = 2048 // of a part: they are gone over twice, and stay in the second-level cache
	normTile = 4096 // elements that are worked on at a time: they stay in the first-level cache
)

// tileRows are the rows of a tile of c columns.
func tileRows(c int) int { return max(1, min(normRows, normTile/max(c, 1))) }

// batchNorm is the operation and its task, a part being some rows.
type batchNorm[T Float] struct {
	x, y     *Var[T]
	w        BatchNormWeights[T]
	training bool

	rows, c, tile, parts int
	phase                normPhase
	add                  bool
	// [C]: m, 1/√(v + ε), the factor of x in y, and what is added to it. On the way back slope stays dy's
	// factor in dx, inverse becomes x's and offset the rest.
	centre, inverse, slope, offset []T
	sums                           []T // of each part, [2, C]
	scratch                        []T // of each worker, four tiles
}

type normPhase int

const (
	normStatistics normPhase = iota // sums: the part's mean, and its squared distances from that
	normApply
	normSums // sums: dy, and dy times x's distance from the mean
	normBack
)

// Part implements pool.Task.
func (b *batchNorm[T]) Part(i, worker int) {
	from, to := span(i, normRows, b.rows)
	n := b.tile * b.c
	s := b.scratch[worker*4*n : (worker+1)*4*n]
	work, one, two, three := s[:n], s[n:2*n], s[2*n:3*n], s[3*n:]
	low, high := b.sums[2*i*b.c:(2*i+1)*b.c], b.sums[(2*i+1)*b.c:(2*i+2)*b.c]
	switch b.phase {
	case normStatistics:
		b.statistics(low, high, work, one, from, to)
	case normApply:
		tile(one, b.slope)
		tile(two, b.offset)
		b.tiles(from, to, func(x, y, _, _ []T) {
			kernel.Mul(y, x, one[:len(x)])
			kernel.Add(y, y, two[:len(x)])
		})
	case normSums:
		clear(low)
		clear(high)
		tileNegative(one, b.centre)
		b.tiles(from, to, func(x, _, _, dy []T) {
			kernel.ColSum(low, dy)
			d := work[:len(x)]
			kernel.Add(d, x, one[:len(x)])
			kernel.Mul(d, d, dy)
			kernel.ColSum(high, d)
		})
	case normBack:
		tile(one, b.slope)
		tile(two, b.inverse)
		tile(three, b.offset)
		b.tiles(from, to, func(x, _, dx, dy []T) { b.backTile(x, dx, dy, one, two, three) })
	}
}

// tiles calls f for every tile of rows [from, to) with its part of x, y and their gradients, where they
// have any.
func (b *batchNorm[T]) tiles(from, to int, f func(x, y, dx, dy []T)) {
	for ; from < to; from += b.tile {
		i, j := from*b.c, min(from+b.tile, to)*b.c
		var dx, dy []T
		if b.x.Grad != nil {
			dx = b.x.Grad[i:j]
		}
		if b.y.Grad != nil {
			dy = b.y.Grad[i:j]
		}
		f(b.x.Data[i:j], b.y.Data[i:j], dx, dy)
	}
}

// statistics are a part's mean and sum of squared distances from it.
func (b *batchNorm[T]) statistics(mean, squares, work, centre []T, from, to int) {
	clear(mean)
	clear(squares)
	kernel.ColSum(mean, b.x.Data[from*b.c:to*b.c])
	for j := range mean {
		mean[j] = T(float64(mean[j]) / float64(to-from))
	}
	tileNegative(centre, mean)
	b.tiles(from, to, func(x, _, _, _ []T) {
		d := work[:len(x)]
		kernel.Add(d, x, centre[:len(x)])
		kernel.Mul(d, d, d)
		kernel.ColSum(squares, d)
	})
}

// gather joins the parts' statistics, in float64, and moves the running ones.
func (b *batchNorm[T]) gather() {
	n := float64(b.rows)
	for j := range b.c {
		at := func(i, k int) float64 { return float64(b.sums[(2*i+k)*b.c+j]) }
		size := func(i int) float64 { from, to := span(i, normRows, b.rows); return float64(to - from) }
		mean, squares := 0.0, 0.0
		for i := range b.parts {
			mean += size(i) / n * at(i, 0)
		}
		for i := range b.parts {
			d := at(i, 0) - mean
			squares += at(i, 1) + size(i)*d*d
		}
		b.centre[j], b.inverse[j] = T(mean), T(1/math.Sqrt(squares/n+batchNormEpsilon))
		b.w.Mean[j] += T(batchNormMomentum * (mean - float64(b.w.Mean[j])))
		b.w.Var[j] += T(batchNormMomentum * (squares/max(n-1, 1) - float64(b.w.Var[j])))
	}
}

// back implements extended.
func (b *batchNorm[T]) back(t *Tape[T], _ *node[T]) {
	b.phase = normSums
	t.lane.Run(b.parts, b)
	n := float64(b.rows)
	scale, shift := t.mem.Take(b.c), t.mem.Take(b.c)
	for j := range b.c {
		sum, product := 0.0, 0.0
		for i := range b.parts {
			sum += float64(b.sums[2*i*b.c+j])
			product += float64(b.sums[(2*i+1)*b.c+j])
		}
		inverse, slope := float64(b.inverse[j]), float64(b.slope[j])
		scale[j], shift[j] = T(product*inverse), T(sum)
		b.inverse[j], b.offset[j] = 0, 0
		if b.training {
			// m and v depend on x as well: dx = slope (dy - mean(dy) - x̂ mean(dy x̂)).
			factor := -slope * inverse * inverse * product / n
			b.inverse[j] = T(factor)
			b.offset[j] = T(-slope*sum/n - factor*float64(b.centre[j]))
		}
	}
	accumulate(b.w.Scale, scale, 1)
	accumulate(b.w.Shift, shift, 1)
	if b.x.Grad != nil {
		b.phase, b.add = normBack, b.x.collect()
		t.lane.Run(b.parts, b)
	}
}

func (b *batchNorm[T]) backTile(x, dx, dy, slope, factor, offset []T) {
	n := len(x)
	if b.add {
		kernel.MulAdd(dx, dy, slope[:n])
	} else {
		kernel.Mul(dx, dy, slope[:n])
	}
	if b.training {
		kernel.MulAdd(dx, x, factor[:n])
		kernel.Add(dx, dx, offset[:n])
	}
}

// tile repeats v until dst is full.
func tile[T Float](dst, v []T) {
	for at := 0; at < len(dst); at += len(v) {
		copy(dst[at:], v)
	}
}

// tileNegative is tile of -v.
func tileNegative[T Float](dst, v []T) {
	for j, x := range v {
		dst[j] = -x
	}
	for at := len(v); at < len(dst); at += len(v) {
		copy(dst[at:], dst[:len(v)])
	}
}
