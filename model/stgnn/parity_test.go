package stgnn

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

// fixture is one file of testdata: outputs and gradients that PyTorch computed for random
// weights and inputs.
type fixture struct {
	t *testing.T
	safetensors.File
}

func openFixture(t *testing.T, name string) fixture {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".safetensors"))
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

// tolerance is absolute plus relative.
type tolerance struct{ abs, rel float64 }

func compare[T tensor.Float](t *testing.T, name string, got []T, want []float64, tol tolerance) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, expected %d", name, len(got), len(want))
		return
	}
	for i, w := range want {
		if d := math.Abs(float64(got[i]) - w); !(d <= tol.abs+tol.rel*math.Abs(w)) {
			t.Errorf("%s, element %d: %.12g, expected %.12g", name, i, got[i], w)
			return
		}
	}
}

// plainCase is a network with the fixture's weights and its input.
type plainCase[T tensor.Float] struct {
	fixture
	net    *plain[T]
	params []nn.Param[T]
	graphs []*tensor.CSR[T] // normalised adjacency of each slice
	x      *tensor.Var[T]   // [B × T × N, F]
	rows   [][]int32
}

const fixtureBatch, fixtureSteps, fixtureNodes = 3, 10, 7

func newPlainCase[T tensor.Float](f fixture, norm *tensor.CSR[T]) *plainCase[T] {
	shape := f.Tensors["input/x"].Shape
	c := &plainCase[T]{fixture: f, net: newPlain[T](8, 16, 1, rand.New(rand.NewPCG(0, 0)))}
	c.params = c.net.params()
	for _, p := range c.params {
		copy(p.Var.Data, c.layout(p, narrow[T](f.floats("weight/"+p.Name))))
	}
	for range fixtureBatch * fixtureSteps {
		c.graphs = append(c.graphs, norm)
	}
	c.x = tensor.NewParam[T](shape[0]*shape[1]*shape[2], shape[3])
	copy(c.x.Data, narrow[T](f.floats("input/x")))
	for k := range fixtureSteps {
		var rows []int32
		for b := range fixtureBatch {
			for i := range fixtureNodes {
				rows = append(rows, int32((b*fixtureSteps+k)*fixtureNodes+i))
			}
		}
		c.rows = append(c.rows, rows)
	}
	return c
}

// ownNorm is our normalisation of the fixture's adjacency.
func ownNorm[T tensor.Float](f fixture) *tensor.CSR[T] {
	return adjacency.Symmetric(adjacency.FromDense(narrow[T](f.floats("input/adjacency")), fixtureNodes))
}

// referenceNorm is the fixture's; its float64 network used this float32 one, widened.
func referenceNorm[T tensor.Float](f fixture) *tensor.CSR[T] {
	return adjacency.FromDense(narrow[T](f.floats("buffer/norm_adj")), fixtureNodes)
}

// layout turns the fixture's [out, in] of the linear layers into ours, and back.
func (c *plainCase[T]) layout(p nn.Param[T], v []T) []T {
	if !strings.HasPrefix(p.Name, "fc") || !strings.HasSuffix(p.Name, "weight") {
		return v
	}
	in, out := p.Var.Shape[0], p.Var.Shape[1]
	t := make([]T, len(v))
	for i := range in {
		for j := range out {
			t[i*out+j] = v[j*in+i]
		}
	}
	return t
}

func narrow[T tensor.Float](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

func (c *plainCase[T]) forward(t *tensor.Tape[T]) (conv, state, y *tensor.Var[T]) {
	conv = c.net.convolve(t, c.x, c.graphs)
	state = c.net.remember(t, conv, c.rows)
	return conv, state, c.net.head.Forward(t, state)
}

// wantGrad is a gradient of the fixture in our layout.
func (c *plainCase[T]) wantGrad(group string, p nn.Param[T]) []float64 {
	var wide []float64
	for _, v := range c.layout(p, narrow[T](c.floats(group+"/"+p.Name))) {
		wide = append(wide, float64(v))
	}
	return wide
}

func (c *plainCase[T]) zero() {
	c.x.ZeroGrad()
	for _, p := range c.params {
		p.Var.ZeroGrad()
	}
}

func checkPlain[T tensor.Float](t *testing.T, f fixture, norm *tensor.CSR[T], suffix string, out, grad tolerance) {
	c := newPlainCase(f, norm)
	tape := tensor.NewTape[T](nil)
	conv, state, y := c.forward(tape)
	compare(t, "gcn", conv.Data, f.floats("output"+suffix+"/gcn"), out)
	compare(t, "last_hidden", state.Data, f.floats("output"+suffix+"/last_hidden"), out)
	compare(t, "y", y.Data, f.floats("output"+suffix+"/y"), out)

	tape.BackwardFrom(y, narrow[T](f.floats("input/cotangent")))
	for _, p := range c.params {
		compare(t, "gradient of "+p.Name, p.Var.Grad, c.wantGrad("grad"+suffix, p), grad)
	}
	compare(t, "gradient of x", c.x.Grad, f.floats("grad_input"+suffix+"/x"), grad)

	c.zero()
	tape.Reset()
	_, _, y = c.forward(tape)
	loss := tape.MSE(tape.Reshape(y, len(y.Data)), narrow[T](f.floats("input/target")), nil)
	compare(t, "MSE", loss.Data, f.floats("loss/mse"+suffix), out)
	tape.Backward(loss)
	for _, p := range c.params {
		compare(t, "MSE gradient of "+p.Name, p.Var.Grad, c.wantGrad("grad"+suffix+"_mse", p), grad)
	}
	if suffix == "" {
		compare(t, "MSE gradient of x", c.x.Grad, f.floats("grad_input/x_mse"), grad)
	}
}

// TestParity holds paper mode against PyTorch: outputs, gradients of weights and inputs.
func TestParity(t *testing.T) {
	for _, name := range []string{"plain_gcn_gru", "plain_gcn_gru_directed"} {
		f := openFixture(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPlain(t, fixture{t, f.File}, referenceNorm[float64](f), "64", tolerance{1e-12, 0}, tolerance{1e-10, 0})
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPlain(t, fixture{t, f.File}, ownNorm[float32](f), "", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4})
		})
		t.Run(name+" normalisation", func(t *testing.T) {
			compare(t, "norm_adj", adjacency.Dense(ownNorm[float32](f)), f.floats("buffer/norm_adj"), tolerance{1e-7, 0})
		})
	}
}

// TestParityOfAdam takes the five full-batch steps of the fixtures.
func TestParityOfAdam(t *testing.T) {
	for _, name := range []string{"plain_gcn_gru", "plain_gcn_gru_directed"} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, name)
			c := newPlainCase(f, ownNorm[float32](f))
			adam := nn.NewAdam(c.params)
			tape := tensor.NewTape[float32](nil)
			target := narrow[float32](c.floats("input/target"))
			for k := range 5 {
				tape.Reset()
				_, _, y := c.forward(tape)
				loss := tape.MSE(tape.Reshape(y, len(y.Data)), target, nil)
				compare(t, fmt.Sprintf("loss before step %d", k), loss.Data, c.floats(fmt.Sprintf("step/loss_%d", k)), tolerance{1e-6, 1e-5})
				tape.Backward(loss)
				adam.Step(1e-3)
			}
			for _, p := range c.params {
				compare(t, "weights after five steps: "+p.Name, p.Var.Data, c.wantGrad("step5_weight_after", p), tolerance{1e-5, 0})
			}
		})
	}
}

// TestParityOfTimeEncoding checks the four time features of the fixtures.
func TestParityOfTimeEncoding(t *testing.T) {
	f := openFixture(t, "plain_gcn_gru")
	minutes, err := f.Tensors["input/minute_of_week"].Int64()
	if err != nil {
		t.Fatal(err)
	}
	want := f.floats("input/time_encoding")
	c := clock{Day: true, Week: true}
	for i, m := range minutes {
		var got [clockFeatures]float32
		const monday = 4 * day // 1970-01-05
		c.encode(monday+m*60e9, got[:])
		compare(t, fmt.Sprintf("minute %d", m), got[:], want[4*i:4*i+4], tolerance{1e-6, 0})
	}
}
