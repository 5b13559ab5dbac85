package dgcrn

import (
	"fmt"
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

// fixture is a file of outputs and gradients that the original computed for random weights and inputs.
type fixture struct {
	*testing.T
	safetensors.File
	largest map[string]float64 // differences met, by what was compared
}

func openFixture(t *testing.T, name string) fixture {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "parity", name+".safetensors"))
	if os.IsNotExist(err) {
		t.Skip("no parity fixtures beside this checkout")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := safetensors.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{t, file, map[string]float64{}}
}

func (f fixture) floats(name string) []float64 {
	f.Helper()
	v, err := f.Tensors[name].Float64()
	if err != nil {
		f.Fatalf("%s: %v", name, err)
	}
	return v
}

// tolerance is absolute plus relative.
type tolerance struct{ abs, rel float64 }

func compare[T tensor.Float](f fixture, kind, name string, got []T, want []float64, tol tolerance) {
	f.Helper()
	if len(got) != len(want) {
		f.Errorf("%s: %d elements, expected %d", name, len(got), len(want))
		return
	}
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		f.largest[kind] = max(f.largest[kind], d)
		if !(d <= tol.abs+tol.rel*math.Abs(w)) {
			f.Errorf("%s, element %d: %.12g, expected %.12g", name, i, got[i], w)
			return
		}
	}
}

func narrow[T tensor.Float](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

const (
	fixtureBatch, fixtureNodes = 3, 7
	fixtureRows                = fixtureBatch * fixtureNodes
)

// fixtureCase is a network with the fixture's weights and inputs.
type fixtureCase[T tensor.Float] struct {
	fixture
	net   *Network[T]
	level int
	x     []*tensor.Var[T] // of each slice [R, 2]
	clock []*tensor.Var[T] // of each horizon [R, 1]
	truth []*tensor.Var[T]
}

func newFixtureCase[T tensor.Float](f fixture, level int) *fixtureCase[T] {
	cfg := Default()
	cfg.Hidden, cfg.Hyper, cfg.Embedding = 8, 4, 5
	var supports [2]*tensor.CSR[T]
	for i := range supports {
		supports[i] = adjacency.FromDense(narrow[T](f.floats(fmt.Sprintf("input/support_%d", i))), fixtureNodes)
	}
	c := &fixtureCase[T]{fixture: f, level: level,
		net: NewNetwork(cfg, Sizes{Nodes: fixtureNodes, Inputs: 2, Outputs: 1}, supports, rand.New(rand.NewPCG(0, 0)))}
	for _, p := range c.net.Params() {
		copy(p.Var.Data, c.layout(p, narrow[T](f.floats("weight/"+p.Name))))
	}
	for k := range f.Tensors["input/x"].Shape[3] {
		c.x = append(c.x, c.slice("input/x", k, 0, 2))
	}
	c.future("input/ycl")
	return c
}

// future takes the target slices' times and values from an array.
func (c *fixtureCase[T]) future(name string) {
	c.clock, c.truth = nil, nil
	for k := range c.level {
		c.clock = append(c.clock, c.slice(name, k, 1, 2))
		c.truth = append(c.truth, c.slice(name, k, 0, 1))
	}
}

// slice takes channels of slice k from an array [batch, channel, node, time].
func (c *fixtureCase[T]) slice(name string, k, from, to int) *tensor.Var[T] {
	v := tensor.NewParam[T](fixtureRows, to-from)
	all, shape := c.floats(name), c.Tensors[name].Shape
	for r := range fixtureRows {
		for ch := from; ch < to; ch++ {
			v.Data[r*(to-from)+ch-from] = T(all[c.at(shape, r, ch, k)])
		}
	}
	return v
}

func (c *fixtureCase[T]) at(shape []int, row, channel, k int) int {
	return ((row/fixtureNodes*shape[1]+channel)*fixtureNodes+row%fixtureNodes)*shape[3] + k
}

// layout turns the fixture's [out, in] of linear layers into ours.
func (c *fixtureCase[T]) layout(p nn.Param[T], v []T) []T {
	if strings.HasPrefix(p.Name, "emb") || strings.HasSuffix(p.Name, "bias") {
		return v
	}
	in, out := p.Var.Shape[0], p.Var.Shape[1]
	turned := make([]T, len(v))
	for i := range in {
		for j := range out {
			turned[i*out+j] = v[j*in+i]
		}
	}
	return turned
}

func (c *fixtureCase[T]) forward(t *tensor.Tape[T], teach bool) *tensor.Var[T] {
	p := Pass[T]{Inputs: c.x, Future: c.clock}
	if teach {
		p.Teach = func(horizon int, _ *tensor.Var[T]) *tensor.Var[T] { return c.truth[horizon] }
	}
	return c.net.Forward(t, p)
}

// byRow turns [batch, horizon, node] into our rows.
func (c *fixtureCase[T]) byRow(v []float64) []float64 {
	out := make([]float64, len(v))
	for i := range v {
		k, row := i/fixtureNodes%c.level, i/(fixtureNodes*c.level)*fixtureNodes+i%fixtureNodes
		out[row*c.level+k] = v[i]
	}
	return out
}

func (c *fixtureCase[T]) zero() {
	for _, p := range c.net.Params() {
		p.Var.ZeroGrad()
	}
	for _, list := range [][]*tensor.Var[T]{c.x, c.clock, c.truth} {
		for _, v := range list {
			v.ZeroGrad()
		}
	}
}

func (c *fixtureCase[T]) compareGradients(group string, tol tolerance) {
	c.Helper()
	for _, p := range c.net.Params() {
		var want []float64
		for _, v := range c.layout(p, narrow[T](c.floats(group+"/"+p.Name))) {
			want = append(want, float64(v))
		}
		compare(c.fixture, "gradient", group+"/"+p.Name, p.Var.Grad, want, tol)
	}
}

// compareInputs holds the inputs' gradients; the truth's only where the decoder was given it.
func (c *fixtureCase[T]) compareInputs(group, suffix string, tol tolerance) {
	c.Helper()
	one := func(name string, v *tensor.Var[T], k, from int) {
		want, shape := c.floats(name), c.Tensors[name].Shape
		var mine []float64
		for r := range fixtureRows {
			for ch := range v.Cols() {
				mine = append(mine, want[c.at(shape, r, from+ch, k)])
			}
		}
		compare(c.fixture, "input gradient", fmt.Sprintf("%s, slice %d", name, k), v.Grad, mine, tol)
	}
	for k, v := range c.x {
		one(group+"/x"+suffix, v, k, 0)
	}
	for k := range c.level {
		one(group+"/ycl"+suffix, c.clock[k], k, 1)
		one(group+"/ycl"+suffix, c.truth[k], k, 0)
	}
}

func checkPass[T tensor.Float](f fixture, level int, suffix string, out, grad tolerance) {
	c := newFixtureCase[T](f, level)
	tape := tensor.NewTape[T](nil)
	y := c.forward(tape, false)
	compare(f, "output", "y", y.Data, c.byRow(f.floats("output"+suffix+"/y")), out)
	tape.BackwardFrom(y, narrow[T](c.byRow(f.floats("input/cotangent"))))
	c.compareGradients("grad"+suffix, grad)
	c.compareInputs("grad_input"+suffix, "", grad)
	f.Logf("largest differences: %v", f.largest)
	if suffix != "" {
		return
	}
	compare(f, "output", "y_train_no_teacher", y.Data, c.byRow(f.floats("output/y_train_no_teacher")), out)
	c.zero()
	tape.Reset()
	y = c.forward(tape, true)
	compare(f, "output", "y_train_teacher", y.Data, c.byRow(f.floats("output/y_train_teacher")), out)
	tape.BackwardFrom(y, narrow[T](c.byRow(f.floats("input/cotangent"))))
	c.compareGradients("grad_teacher", grad)
	c.compareInputs("grad_input", "_teacher", grad)
	f.Logf("largest differences with the truth: %v", f.largest)
	checkFirstStep(c, out)
}

// checkFirstStep compares the made graph and the state of the encoder's first step.
func checkFirstStep[T tensor.Float](c *fixtureCase[T], tol tolerance) {
	t := tensor.NewInference[T](nil)
	w := c.net.encoder.lay(t)
	state := tensor.NewConst(make([]T, fixtureRows*c.net.cfg.Hidden), fixtureRows, c.net.cfg.Hidden)
	graphs := c.net.graphs(t, &w, state, c.x[0])
	const n = fixtureNodes
	made := make([]float64, fixtureBatch*n*n)
	for e := range fixtureBatch {
		at := func(from, to int) float64 { // rownorm(A + I)
			return float64(graphs.Data[(2*e*n+to)*n+from]-c.net.graph.Static[to*n+from]) / c.net.cfg.Beta
		}
		for i := range n {
			for j := range n {
				if i != j {
					made[(e*n+i)*n+j] = at(i, j) / at(i, i)
				}
			}
		}
	}
	compare(c.fixture, "graph", "step0_dynamic_adjacency", made, c.floats("output/step0_dynamic_adjacency"), tolerance{10 * tol.abs, 0})
	compare(c.fixture, "output", "step0_hidden", c.net.step(t, &w, state, c.x[0]).Data, c.floats("output/step0_hidden"), tol)
}

// TestParity holds the network against the original: outputs and gradients of weights and inputs, with the decoder on its
// own and given the truth.
func TestParity(t *testing.T) {
	for name, level := range map[string]int{"dgcrn": 12, "dgcrn_seq4": 3} {
		f := openFixture(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPass[float64](fixture{t, f.File, map[string]float64{}}, level, "64", tolerance{1e-12, 0}, tolerance{1e-10, 0})
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPass[float32](fixture{t, f.File, map[string]float64{}}, level, "", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4})
		})
	}
}

// TestParityOfSupports: the fixture's supports are ours of its adjacency.
func TestParityOfSupports(t *testing.T) {
	f := openFixture(t, "dgcrn")
	a := adjacency.FromDense(narrow[float32](f.floats("input/adjacency")), fixtureNodes)
	for i, s := range []*tensor.CSR[float32]{adjacency.RandomWalk(a), adjacency.RandomWalk(a.Transposed())} {
		compare(f, "support", fmt.Sprintf("support_%d", i), adjacency.Dense(s), f.floats(fmt.Sprintf("input/support_%d", i)), tolerance{1e-7, 0})
	}
}

// TestParityOfThreshold holds the probability that the decoder is given the truth.
func TestParityOfThreshold(t *testing.T) {
	f := openFixture(t, "dgcrn")
	for _, seen := range []int{0, 1, 2000, 4000, 10000, 20000, 40000} {
		name := fmt.Sprintf("output/sampling_threshold_%d", seen)
		compare(f, "threshold", name, []float64{Default().Threshold(seen)}, f.floats(name), tolerance{1e-12, 0})
	}
}

// TestParityOfTraining takes the fixture's step: three horizons, masked mean absolute error on the data's scale, a clipped gradient,
// Adam with weight decay.
func TestParityOfTraining(t *testing.T) {
	const level, scale, mean = 3, 19.5, 52
	f := openFixture(t, "dgcrn")
	c := newFixtureCase[float32](f, level)
	c.future("input/step_ycl")
	tape := tensor.NewTape[float32](nil)
	y := c.forward(tape, false)

	target, known := f.floats("input/step_target"), 0.0 // [batch, node, horizon]
	horizons := f.Tensors["input/step_target"].Shape[2]
	for i := range target {
		if i%horizons < level && target[i] != 0 {
			known++
		}
	}
	loss, slopes := 0.0, make([]float32, len(y.Data))
	for i, v := range y.Data {
		want := target[i/level*horizons+i%level]
		if want == 0 {
			continue
		}
		d := float64(v)*scale + mean - want
		loss += math.Abs(d) / known
		slopes[i] = float32(math.Copysign(scale/known, d))
	}
	compare(f, "loss", "loss", []float64{loss}, f.floats("step/loss"), tolerance{0, 1e-6})
	tape.BackwardFrom(y, slopes)
	c.compareGradients("step_grad_before_clip", tolerance{1e-5, 1e-4})
	params := c.net.Params()
	adam := nn.NewAdam(params)
	adam.Decay, adam.Clip = 1e-4, 5
	adam.Step(1e-3)
	for _, p := range params {
		var want []float64
		for _, v := range c.layout(p, narrow[float32](f.floats("step_weight_after/"+p.Name))) {
			want = append(want, float64(v))
		}
		compare(f, "weight", "weights after a step: "+p.Name, p.Var.Data, want, tolerance{1e-6, 0})
	}
	t.Logf("largest differences: %v", f.largest)
}
