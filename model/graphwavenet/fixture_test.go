package graphwavenet

import (
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/safetensors"
	"presage/model/tensor"
)

// fixture is outputs and gradients that the original computed in PyTorch for random weights and inputs.
type fixture struct {
	t *testing.T
	safetensors.File
}

func openFixture(t *testing.T, name string) fixture {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "parity", name+".safetensors"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the fixtures of the original's outputs are not beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := safetensors.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{t, file}
}

func (f fixture) floats(name string) []float64 {
	f.t.Helper()
	v, err := f.Tensors[name].Float64()
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return v
}

func (f fixture) has(name string) bool {
	_, ok := f.Tensors[name]
	return ok
}

// tolerance is absolute plus relative.
type tolerance struct{ abs, rel float64 }

// largest collects the largest difference by kind of value, for the log.
type largest map[string]float64

func (l largest) compare(t *testing.T, kind, name string, got, want []float64, tol tolerance) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s %s: %d elements, expected %d", kind, name, len(got), len(want))
		return
	}
	for i, w := range want {
		d := math.Abs(got[i] - w)
		l[kind] = max(l[kind], d)
		if !(d <= tol.abs+tol.rel*math.Abs(w)) {
			t.Errorf("%s %s, element %d: %.12g, expected %.12g", kind, name, i, got[i], w)
			return
		}
	}
}

// permute turns src with the given dimensions, the last one running fastest, into the order of axes.
func permute(src []float64, shape []int, axes ...int) []float64 {
	out := make([]float64, 0, len(src))
	stride := make([]int, len(shape))
	for i, s := len(shape)-1, 1; i >= 0; i-- {
		stride[i] = s
		s *= shape[i]
	}
	var walk func(depth, at int)
	walk = func(depth, at int) {
		if depth == len(axes) {
			out = append(out, src[at])
			return
		}
		for i := range shape[axes[depth]] {
			walk(depth+1, at+i*stride[axes[depth]])
		}
	}
	walk(0, 0)
	return out
}

func wide[T tensor.Float](v []T) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

func narrow[T tensor.Float](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

const fixtureNodes, fixtureOutputs, fixtureBatch = 7, 12, 3

var fixtureConfig = Config{Residual: 8, Dilation: 8, Skip: 16, End: 32, Blocks: 2, Layers: 2, Dropout: -1}

// wave is a network with a fixture's weights.
type wave[T tensor.Float] struct {
	fixture
	net    *Network[T]
	params []nn.Param[T]
}

func newWave[T tensor.Float](f fixture) *wave[T] {
	var given []tensor.Transition[T]
	for _, name := range []string{"input/support_0", "input/support_1"} {
		if f.has(name) {
			// The float64 reference used these float32 matrices, widened.
			given = append(given, transition(adjacency.FromDense(narrow[T](f.floats(name)), fixtureNodes)))
		}
	}
	w := &wave[T]{fixture: f}
	w.net = NewNetwork(Sizes{Nodes: fixtureNodes, Channels: 2, Outputs: fixtureOutputs}, fixtureConfig, given, rand.New(rand.NewPCG(0, 0)))
	w.params = w.net.Params()
	w.reset()
	return w
}

// reset puts the fixture's weights and statistics back and clears gradients.
func (w *wave[T]) reset() {
	for _, p := range w.params {
		copy(p.Var.Data, narrow[T](w.layout("weight", p.Name)))
		p.Var.ZeroGrad()
	}
	for name, v := range w.net.Buffers() {
		copy(v, narrow[T](w.floats("buffer/"+name)))
	}
}

// layout is one of the fixture's parameters, or its gradient, in our layout: [out, in, 1, taps] becomes
// [taps, in, out].
func (w *wave[T]) layout(group, name string) []float64 {
	v, shape := w.floats(group+"/"+name), w.Tensors[group+"/"+name].Shape
	if len(shape) == 4 {
		return permute(v, shape, 3, 2, 1, 0)
	}
	return v
}

// moments turns [batch, channel, node, time] into our [time, batch, node, channel].
func (w *wave[T]) moments(name string) (v []float64, shape []int) {
	shape = w.Tensors[name].Shape
	return permute(w.floats(name), shape, 3, 0, 2, 1), shape
}

// input is one of the fixture's inputs, preceded by zeros so that the output has at least a moment. pad are the
// elements in front.
func (w *wave[T]) input(name string) (x *tensor.Var[T], pad int) {
	v, shape := w.moments(name)
	moment := fixtureBatch * fixtureNodes
	time := max(shape[3], fixtureConfig.Receptive())
	x = tensor.NewParam[T](time*moment, shape[1])
	pad = len(x.Data) - len(v)
	copy(x.Data[pad:], narrow[T](v))
	return x, pad
}

// unread says whether a parameter gets no gradient.
func unread(name string) bool {
	return strings.HasPrefix(name, "bn.3.") || strings.HasPrefix(name, "gconv.3.")
}
