package dgcrn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/parity"
	"presage/model/tensor"
)

const (
	fixtureBatch, fixtureNodes = 3, 7
	fixtureRows                = fixtureBatch * fixtureNodes
)

// fixtureCase is a network with the fixture's weights and inputs.
type fixtureCase[T tensor.Float] struct {
	parity.Weights[T]
	net   *Network[T]
	level int
	x     []*tensor.Var[T] // of each slice [R, 2]
	clock []*tensor.Var[T] // of each horizon [R, 1]
	truth []*tensor.Var[T]
}

func newFixtureCase[T tensor.Float](f *parity.Fixture, level int) *fixtureCase[T] {
	cfg := Default()
	cfg.Hidden, cfg.Hyper, cfg.Embedding = 8, 4, 5
	var supports [2]*tensor.CSR[T]
	for i := range supports {
		supports[i] = adjacency.FromDense(parity.As[T](f.Floats(fmt.Sprintf("input/support_%d", i))), fixtureNodes)
	}
	c := &fixtureCase[T]{level: level, net: NewNetwork(cfg, Sizes{Nodes: fixtureNodes, Inputs: 2, Outputs: 1}, supports, rand.New(rand.NewPCG(0, 0)))}
	c.Weights = parity.Weights[T]{Fixture: f, Params: c.net.Params(), Reversed: linear}
	c.Load()
	for k := range f.Shape("input/x")[3] {
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
	all, shape := c.Floats(name), c.Shape(name)
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

// linear says whether a parameter is a linear layer's, which is [out, in] in the fixture.
func linear(name string) bool {
	return !strings.HasPrefix(name, "emb") && !strings.HasSuffix(name, "bias")
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
	return parity.Turned(v, c.level, fixtureNodes)
}

func (c *fixtureCase[T]) zero() {
	for _, p := range c.Params {
		p.Var.ZeroGrad()
	}
	for _, list := range [][]*tensor.Var[T]{c.x, c.clock, c.truth} {
		for _, v := range list {
			v.ZeroGrad()
		}
	}
}

// compareInputs holds the inputs' gradients; the truth's only where the decoder was given it.
func (c *fixtureCase[T]) compareInputs(group, suffix string, tol parity.Tolerance) {
	one := func(name string, v *tensor.Var[T], k, from int) {
		want, shape := c.Floats(name), c.Shape(name)
		var mine []float64
		for r := range fixtureRows {
			for ch := range v.Cols() {
				mine = append(mine, want[c.at(shape, r, from+ch, k)])
			}
		}
		parity.Compare(c.Fixture, "input gradient", fmt.Sprintf("%s, slice %d", name, k), v.Grad, mine, tol)
	}
	for k, v := range c.x {
		one(group+"/x"+suffix, v, k, 0)
	}
	for k := range c.level {
		one(group+"/ycl"+suffix, c.clock[k], k, 1)
		one(group+"/ycl"+suffix, c.truth[k], k, 0)
	}
}

func checkPass[T tensor.Float](f *parity.Fixture, level int) {
	is := parity.PrecisionOf[T]()
	c := newFixtureCase[T](f, level)
	tape := tensor.NewTape[T](nil)
	y := c.forward(tape, false)
	parity.Compare(f, "output", "y", y.Data, c.byRow(f.Floats("output"+is.Suffix+"/y")), is.Output)
	tape.BackwardFrom(y, parity.As[T](c.byRow(f.Floats("input/cotangent"))))
	c.CompareGradients("grad"+is.Suffix, is.Gradient)
	c.compareInputs("grad_input"+is.Suffix, "", is.Gradient)
	if is.Suffix != "" {
		return
	}
	parity.Compare(f, "output", "y_train_no_teacher", y.Data, c.byRow(f.Floats("output/y_train_no_teacher")), is.Output)
	c.zero()
	tape.Reset()
	y = c.forward(tape, true)
	parity.Compare(f, "output", "y_train_teacher", y.Data, c.byRow(f.Floats("output/y_train_teacher")), is.Output)
	tape.BackwardFrom(y, parity.As[T](c.byRow(f.Floats("input/cotangent"))))
	c.CompareGradients("grad_teacher", is.Gradient)
	c.compareInputs("grad_input", "_teacher", is.Gradient)
	checkFirstStep(c, is.Output)
}

// checkFirstStep compares the made graph and the state of the encoder's first step.
func checkFirstStep[T tensor.Float](c *fixtureCase[T], tol parity.Tolerance) {
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
	parity.Compare(c.Fixture, "graph", "step0_dynamic_adjacency", made, c.Floats("output/step0_dynamic_adjacency"), parity.Tolerance{Abs: 10 * tol.Abs})
	parity.Compare(c.Fixture, "output", "step0_hidden", c.net.step(t, &w, state, c.x[0]).Data, c.Floats("output/step0_hidden"), tol)
}

// TestParity holds the network against the original: outputs and gradients of weights and inputs, with the decoder on its
// own and given the truth.
func TestParity(t *testing.T) {
	for name, level := range map[string]int{"dgcrn": 12, "dgcrn_seq4": 3} {
		f := parity.Open(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPass[float64](f.To(t), level)
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPass[float32](f.To(t), level)
		})
	}
}

// TestParityOfSupports: the fixture's supports are ours of its adjacency.
func TestParityOfSupports(t *testing.T) {
	f := parity.Open(t, "dgcrn")
	a := adjacency.FromDense(parity.As[float32](f.Floats("input/adjacency")), fixtureNodes)
	for i, s := range []*tensor.CSR[float32]{adjacency.RandomWalk(a), adjacency.RandomWalk(a.Transposed())} {
		parity.Compare(f, "support", fmt.Sprintf("support_%d", i), adjacency.Dense(s), f.Floats(fmt.Sprintf("input/support_%d", i)), parity.Tolerance{Abs: 1e-7})
	}
}

// TestParityOfThreshold holds the probability that the decoder is given the truth.
func TestParityOfThreshold(t *testing.T) {
	f := parity.Open(t, "dgcrn")
	for _, seen := range []int{0, 1, 2000, 4000, 10000, 20000, 40000} {
		name := fmt.Sprintf("output/sampling_threshold_%d", seen)
		parity.Compare(f, "threshold", name, []float64{Default().Threshold(seen)}, f.Floats(name), parity.Tolerance{Abs: 1e-12})
	}
}

// TestParityOfTraining takes the fixture's step: three horizons, masked mean absolute error on the data's scale, a clipped gradient,
// Adam with weight decay.
func TestParityOfTraining(t *testing.T) {
	const level, scale, mean = 3, 19.5, 52
	f := parity.Open(t, "dgcrn")
	c := newFixtureCase[float32](f, level)
	c.future("input/step_ycl")
	tape := tensor.NewTape[float32](nil)
	y := c.forward(tape, false)

	target, known := f.Floats("input/step_target"), 0.0 // [batch, node, horizon]
	horizons := f.Shape("input/step_target")[2]
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
	parity.Compare(f, "loss", "loss", []float64{loss}, f.Floats("step/loss"), parity.Tolerance{Rel: 1e-6})
	tape.BackwardFrom(y, slopes)
	c.CompareGradients("step_grad_before_clip", parity.PrecisionOf[float32]().Gradient)
	adam := nn.NewAdam(c.Params)
	adam.Decay, adam.Clip = 1e-4, 5
	adam.Step(1e-3)
	c.CompareValues("step_weight_after", parity.Tolerance{Abs: 1e-6})
}
