package stgnn

import (
	"fmt"
	"math/rand/v2"

	"presage/model/nn"
	"presage/model/tensor"
)

// network is the default mode's trained part: from assembled rows to quantiles on the
// standardised scale.
type network[T tensor.Float] struct {
	window *nn.Linear[T]
	along  *along[T]        // reads the window slice by slice beside it; nil: window alone
	day    *nn.Embedding[T] // [slots, embed]
	name   *nn.Embedding[T] // [services of training, embed]; nil without identity
	blocks []*nn.Residual[T]
	head   *nn.Linear[T]
	lags   *nn.Linear[T] // [T - 1, H × Q], from the target's own earlier values straight to the outputs

	horizons, quantiles, median int
	lag                         int // place of the first lag among the inputs
}

// dims are the sizes of a network.
type dims struct {
	inputs, slots, services     int
	lag, lags                   int // the target's own changes among the inputs
	series                      series
	horizons, quantiles, median int
}

// newNetwork draws weights. The head starts at zero, so that an untrained network is
// persistence with a band; the embeddings do too, so that what training never sees adds nothing.
func newNetwork[T tensor.Float](c Config, d dims, rng *rand.Rand) *network[T] {
	n := &network[T]{horizons: d.horizons, quantiles: d.quantiles, median: d.median, lag: d.lag}
	n.window = nn.NewLinear[T](d.inputs, c.Width, rng)
	n.day = nn.NewEmbedding[T](d.slots, c.Embed, 0, 1, rng)
	width := c.Width + c.Embed
	if c.Window == WindowGRU {
		n.along = newAlong[T](d.series, c.Width, rng)
		width += c.Width
	}
	if c.Identity == "on" {
		n.name = nn.NewEmbedding[T](d.services, c.Embed, 0, identityDecay, rng)
		width += c.Embed
	}
	for range c.Blocks {
		n.blocks = append(n.blocks, nn.NewResidual[T](width, c.Dropout, rng))
	}
	n.head = nn.NewLinear[T](width, d.horizons*d.quantiles, rng)
	clear(n.head.W.Data)
	clear(n.head.B.Data)
	n.lags = nn.NewLinear[T](d.lags, d.horizons*d.quantiles, rng)
	clear(n.lags.W.Data)
	clear(n.lags.B.Data)
	return n
}

// identityDecay multiplies the weight decay of the identity embedding: it is the part
// that can learn services by heart.
const identityDecay = 10

// batch is what forward reads: R rows.
type batch[T tensor.Float] struct {
	x     []T     // [R, inputs]
	base  []T     // [R] last values
	unit  []T     // [R] of the change
	trust []T     // [R] share of the median's change that is kept
	slot  []int32 // [R] time of day, -1 for none
	name  []int32 // [R] identity, -1 for none
}

// forward gives quantiles [R × H, Q], rising along Q. A nil rng switches dropout off. It takes its memory
// from the tape.
func (n *network[T]) forward(t *tensor.Tape[T], b batch[T], rng *rand.Rand) *tensor.Var[T] {
	rows := len(b.base)
	window, day := n.window.Forward(t, t.Const(b.x, rows, len(b.x)/max(rows, 1))), n.day.Forward(t, b.slot)
	parts, k := [4]*tensor.Var[T]{window, day}, 2 // on the stack: a forecast allocates nothing
	if n.name != nil {
		parts[k] = n.name.Forward(t, b.name)
		k++
	}
	if n.along != nil {
		parts[k] = n.along.forward(t, b.x, rows)
		k++
	}
	h := t.Concat(parts[:k]...)
	for _, block := range n.blocks {
		h = block.Forward(t, h, rng)
	}
	out := t.Add(n.head.Forward(t, h), n.lags.Forward(t, n.own(t, b.x, rows)))
	raw := t.Reshape(out, rows*n.horizons, n.quantiles)
	base, unit, back := t.Buffer(rows*n.horizons), t.Buffer(rows*n.horizons), t.Buffer(rows*n.horizons)
	for r := range rows {
		for i := r * n.horizons; i < (r+1)*n.horizons; i++ {
			base[i], unit[i] = b.base[r], b.unit[r]
			back[i] = -b.unit[r] * (1 - b.trust[r])
		}
	}
	y := t.AddCol(t.MulCol(t.Quantiles(raw, n.median), unit), t.Const(base, len(base)))
	return t.AddCol(y, t.MulCol(t.SliceCols(raw, n.median, n.median+1), back))
}

// own cuts the target's own changes [R, T - 1] out of the inputs.
func (n *network[T]) own(t *tensor.Tape[T], x []T, rows int) *tensor.Var[T] {
	width, lags := len(x)/max(rows, 1), n.lags.W.Shape[0]
	own := t.Buffer(rows * lags)
	for r := range rows {
		copy(own[r*lags:(r+1)*lags], x[r*width+n.lag:])
	}
	return t.Const(own, rows, lags)
}

// params lists everything trained, by the names in stored weights.
func (n *network[T]) params() []nn.Param[T] {
	out := append(n.window.Params("window"), n.day.Params("day")...)
	if n.name != nil {
		out = append(out, n.name.Params("identity")...)
	}
	if n.along != nil {
		out = append(out, n.along.gru.Params("along")...)
	}
	for i, b := range n.blocks {
		out = append(out, b.Params(fmt.Sprintf("block%d", i))...)
	}
	return append(append(out, n.lags.Params("lags")...), n.head.Params("head")...)
}

// zeroRand draws the weights that Restore overwrites.
func zeroRand() *rand.Rand { return rand.New(rand.NewPCG(0, 0)) }
