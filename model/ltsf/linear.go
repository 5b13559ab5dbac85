package ltsf

import (
	"fmt"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// lines is a linear layer [T] to [out] for series that share it, or one each.
type lines[T tensor.Float] struct {
	layers []*nn.Linear[T] // one, or one a series
}

func newLines[T tensor.Float](in, out, layers int, rng *rand.Rand) *lines[T] {
	l := &lines[T]{}
	for range layers {
		l.layers = append(l.layers, nn.NewLinear[T](in, out, rng))
	}
	return l
}

// forward maps x [B × S, T], the S series of a window one after the other, to [B × S, out].
func (l *lines[T]) forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	series, in := len(l.layers), x.Cols()
	if series == 1 {
		return l.layers[0].Forward(t, x)
	}
	rows := x.Rows()
	wide := t.Reshape(x, rows/series, series*in)
	parts := make([]*tensor.Var[T], series)
	for i, layer := range l.layers {
		parts[i] = layer.Forward(t, t.SliceCols(wide, i*in, (i+1)*in))
	}
	return t.Reshape(t.Concat(parts...), rows, parts[0].Cols())
}

func (l *lines[T]) params(name string) []nn.Param[T] {
	if len(l.layers) == 1 {
		return l.layers[0].Params(name)
	}
	var out []nn.Param[T]
	for i, layer := range l.layers {
		out = append(out, layer.Params(fmt.Sprintf("%s.%d", name, i))...)
	}
	return out
}

// nlinear is y = W (x - l) + b + l, where l is the last value, through which no gradient flows.
type nlinear[T tensor.Float] struct {
	*lines[T]
	change bool // the last value is not added again
}

func (n *nlinear[T]) forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	rows, in := x.Rows(), x.Cols()
	last, minus := t.Buffer(rows), t.Buffer(rows)
	for r := range rows {
		last[r] = x.Data[(r+1)*in-1]
		minus[r] = -last[r]
	}
	y := n.lines.forward(t, t.AddCol(x, t.Const(minus, rows, 1)))
	if n.change {
		return y
	}
	return t.AddCol(y, t.Const(last, rows, 1))
}

func (n *nlinear[T]) params() []nn.Param[T] { return n.lines.params("Linear") }

// dlinear is y = Ws (x - m) + bs + Wt m + bt with m the moving average of x.
type dlinear[T tensor.Float] struct {
	seasonal, trend *lines[T]
	average         *tensor.Var[T] // [T, T]
}

func newDLinear[T tensor.Float](in, out, layers int, rng *rand.Rand) *dlinear[T] {
	return &dlinear[T]{
		seasonal: newLines[T](in, out, layers, rng), trend: newLines[T](in, out, layers, rng),
		average: tensor.NewConst(movingAverage[T](in), in, in),
	}
}

// kernelWidth is how many values a moving average is over, also where the window is shorter.
const kernelWidth = 25

// movingAverage is the matrix [T, T] that turns a window into its centred moving average; before its first value
// and after its last they are repeated.
func movingAverage[T tensor.Float](steps int) []T {
	count := make([]int, steps*steps)
	for to := range steps {
		for at := to - kernelWidth/2; at <= to+kernelWidth/2; at++ {
			count[min(max(at, 0), steps-1)*steps+to]++
		}
	}
	out := make([]T, len(count))
	for i, c := range count {
		out[i] = T(c) / kernelWidth
	}
	return out
}

// split gives the moving average and the rest.
func (d *dlinear[T]) split(t *tensor.Tape[T], x *tensor.Var[T]) (trend, seasonal *tensor.Var[T]) {
	trend = t.MatMul(x, d.average)
	return trend, t.Sub(x, trend)
}

func (d *dlinear[T]) forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T] {
	trend, seasonal := d.split(t, x)
	return t.Add(d.seasonal.forward(t, seasonal), d.trend.forward(t, trend))
}

func (d *dlinear[T]) params() []nn.Param[T] {
	return append(d.seasonal.params("Linear_Seasonal"), d.trend.params("Linear_Trend")...)
}
