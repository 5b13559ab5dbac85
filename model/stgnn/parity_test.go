package stgnn

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/parity"
	"presage/model/tensor"
)

// openFixture reads from testdata, so that the published equations are held against PyTorch in every checkout.
func openFixture(t *testing.T, name string) *parity.Fixture {
	t.Helper()
	return parity.Read(t, filepath.Join("testdata", name+".safetensors"))
}

// plainCase is a network with the fixture's weights and its input.
type plainCase[T tensor.Float] struct {
	parity.Weights[T]
	net    *plain[T]
	graphs []*tensor.CSR[T] // normalised adjacency of each slice
	x      *tensor.Var[T]   // [B × T × N, F]
	rows   [][]int32
}

const fixtureBatch, fixtureSteps, fixtureNodes = 3, 10, 7

func newPlainCase[T tensor.Float](f *parity.Fixture, norm *tensor.CSR[T]) *plainCase[T] {
	shape := f.Shape("input/x")
	c := &plainCase[T]{net: newPlain[T](8, 16, 1, rand.New(rand.NewPCG(0, 0)))}
	c.Weights = parity.Weights[T]{Fixture: f, Params: c.net.params(), Reversed: linear}
	c.Load()
	for range fixtureBatch * fixtureSteps {
		c.graphs = append(c.graphs, norm)
	}
	c.x = tensor.NewParam[T](shape[0]*shape[1]*shape[2], shape[3])
	copy(c.x.Data, parity.As[T](f.Floats("input/x")))
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
func ownNorm[T tensor.Float](f *parity.Fixture) *tensor.CSR[T] {
	return adjacency.Symmetric(adjacency.FromDense(parity.As[T](f.Floats("input/adjacency")), fixtureNodes))
}

// referenceNorm is the fixture's; its float64 network used this float32 one, widened.
func referenceNorm[T tensor.Float](f *parity.Fixture) *tensor.CSR[T] {
	return adjacency.FromDense(parity.As[T](f.Floats("buffer/norm_adj")), fixtureNodes)
}

// linear says whether a parameter is a linear layer's, which is [out, in] in the fixture.
func linear(name string) bool {
	return strings.HasPrefix(name, "fc") && strings.HasSuffix(name, "weight")
}

func (c *plainCase[T]) forward(t *tensor.Tape[T]) (conv, state, y *tensor.Var[T]) {
	conv = c.net.convolve(t, c.x, c.graphs)
	state = c.net.remember(t, conv, c.rows)
	return conv, state, c.net.head.Forward(t, state)
}

func (c *plainCase[T]) zero() {
	c.x.ZeroGrad()
	for _, p := range c.Params {
		p.Var.ZeroGrad()
	}
}

func checkPlain[T tensor.Float](f *parity.Fixture, norm *tensor.CSR[T]) {
	c, is := newPlainCase(f, norm), parity.PrecisionOf[T]()
	tape := tensor.NewTape[T](nil)
	conv, state, y := c.forward(tape)
	parity.Compare(f, "output", "gcn", conv.Data, f.Floats("output"+is.Suffix+"/gcn"), is.Output)
	parity.Compare(f, "output", "last_hidden", state.Data, f.Floats("output"+is.Suffix+"/last_hidden"), is.Output)
	parity.Compare(f, "output", "y", y.Data, f.Floats("output"+is.Suffix+"/y"), is.Output)

	tape.BackwardFrom(y, parity.As[T](f.Floats("input/cotangent")))
	c.CompareGradients("grad"+is.Suffix, is.Gradient)
	parity.Compare(f, "gradient", "x", c.x.Grad, f.Floats("grad_input"+is.Suffix+"/x"), is.Gradient)

	c.zero()
	tape.Reset()
	_, _, y = c.forward(tape)
	loss := tape.MSE(tape.Reshape(y, len(y.Data)), parity.As[T](f.Floats("input/target")), nil)
	parity.Compare(f, "loss", "mse", loss.Data, f.Floats("loss/mse"+is.Suffix), is.Output)
	tape.Backward(loss)
	c.CompareGradients("grad"+is.Suffix+"_mse", is.Gradient)
	if is.Suffix == "" {
		parity.Compare(f, "gradient", "x_mse", c.x.Grad, f.Floats("grad_input/x_mse"), is.Gradient)
	}
}

// TestParity holds paper mode against PyTorch: outputs, gradients of weights and inputs.
func TestParity(t *testing.T) {
	for _, name := range []string{"plain_gcn_gru", "plain_gcn_gru_directed"} {
		f := openFixture(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPlain(f.To(t), referenceNorm[float64](f))
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPlain(f.To(t), ownNorm[float32](f))
		})
		t.Run(name+" normalisation", func(t *testing.T) {
			parity.Compare(f.To(t), "normalisation", "norm_adj", adjacency.Dense(ownNorm[float32](f)), f.Floats("buffer/norm_adj"), parity.Tolerance{Abs: 1e-7})
		})
	}
}

// TestParityOfAdam takes the five full-batch steps of the fixtures.
func TestParityOfAdam(t *testing.T) {
	for _, name := range []string{"plain_gcn_gru", "plain_gcn_gru_directed"} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, name)
			c := newPlainCase(f, ownNorm[float32](f))
			adam := nn.NewAdam(c.Params)
			tape := tensor.NewTape[float32](nil)
			target := parity.As[float32](c.Floats("input/target"))
			for k := range 5 {
				tape.Reset()
				_, _, y := c.forward(tape)
				loss := tape.MSE(tape.Reshape(y, len(y.Data)), target, nil)
				parity.Compare(f, "loss", fmt.Sprintf("before step %d", k), loss.Data, c.Floats(fmt.Sprintf("step/loss_%d", k)), parity.Tolerance{Abs: 1e-6, Rel: 1e-5})
				tape.Backward(loss)
				adam.Step(1e-3)
			}
			c.CompareValues("step5_weight_after", parity.Tolerance{Abs: 1e-5})
		})
	}
}

// TestParityOfTimeEncoding checks the four time features of the fixtures.
func TestParityOfTimeEncoding(t *testing.T) {
	f := openFixture(t, "plain_gcn_gru")
	want := f.Floats("input/time_encoding")
	c := clock{Day: true, Week: true}
	for i, m := range f.Ints("input/minute_of_week") {
		var got [clockFeatures]float32
		const monday = 4 * day // 1970-01-05
		c.encode(monday+m*60e9, got[:])
		parity.Compare(f, "clock", fmt.Sprintf("minute %d", m), got[:], want[4*i:4*i+4], parity.Tolerance{Abs: 1e-6})
	}
}
