package graphwavenet

import (
	"math/rand/v2"
	"slices"
	"strings"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/parity"
	"presage/model/tensor"
)

const fixtureNodes, fixtureOutputs, fixtureBatch = 7, 12, 3

var fixtureConfig = Config{Residual: 8, Dilation: 8, Skip: 16, End: 32, Blocks: 2, Layers: 2, Dropout: -1}

// wave is a network with a fixture's weights.
type wave[T tensor.Float] struct {
	parity.Weights[T]
	net *Network[T]
}

func newWave[T tensor.Float](f *parity.Fixture) *wave[T] {
	var given []tensor.Transition[T]
	for _, name := range []string{"input/support_0", "input/support_1"} {
		if f.Has(name) {
			// The float64 reference used these float32 matrices, widened.
			given = append(given, transition(adjacency.FromDense(parity.As[T](f.Floats(name)), fixtureNodes)))
		}
	}
	w := &wave[T]{}
	w.net = NewNetwork(Sizes{Nodes: fixtureNodes, Channels: 2, Outputs: fixtureOutputs}, fixtureConfig, given, rand.New(rand.NewPCG(0, 0)))
	// The convolutions are [out, in, 1, taps] there and [taps, in, out] here; the adaptive graph's vectors lie the same way.
	convolution := func(name string) bool { return len(f.Shape("weight/"+name)) == 4 }
	w.Weights = parity.Weights[T]{Fixture: f, Params: w.net.Params(), Reversed: convolution}
	w.reset()
	return w
}

// reset puts the fixture's weights and statistics back and clears gradients.
func (w *wave[T]) reset() {
	w.Load()
	for _, p := range w.Params {
		p.Var.ZeroGrad()
	}
	for name, v := range w.net.Buffers() {
		copy(v, parity.As[T](w.Floats("buffer/"+name)))
	}
}

// moments turns [batch, channel, node, time] into our [time, batch, node, channel].
func (w *wave[T]) moments(name string) (v []float64, shape []int) {
	shape = w.Shape(name)
	return parity.Permuted(w.Floats(name), shape, 3, 0, 2, 1), shape
}

// input is one of the fixture's inputs, preceded by zeros so that the output has at least a moment. pad are the
// elements in front.
func (w *wave[T]) input(name string) (x *tensor.Var[T], pad int) {
	v, shape := w.moments(name)
	moment := fixtureBatch * fixtureNodes
	time := max(shape[3], fixtureConfig.Receptive())
	x = tensor.NewParam[T](time*moment, shape[1])
	pad = len(x.Data) - len(v)
	copy(x.Data[pad:], parity.As[T](v))
	return x, pad
}

// read are the parameters that get a gradient.
func (w *wave[T]) read() parity.Weights[T] {
	some := w.Weights
	some.Params = slices.DeleteFunc(slices.Clone(w.Params), func(p nn.Param[T]) bool { return unread(p.Name) })
	return some
}

// unread says whether a parameter gets no gradient.
func unread(name string) bool {
	return strings.HasPrefix(name, "bn.3.") || strings.HasPrefix(name, "gconv.3.")
}
