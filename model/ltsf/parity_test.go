package ltsf

import (
	"math/rand/v2"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/parity"
	"presage/model/tensor"
)

type inner[T tensor.Float] interface {
	forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T]
	params() []nn.Param[T]
}

func check[T tensor.Float](t *testing.T, name string) {
	f, is := parity.Open(t, name), parity.PrecisionOf[T]()
	rng := rand.New(rand.NewPCG(0, 0))
	shape, target := f.Shape("input/x"), f.Shape("input/cotangent")
	windows, steps, series, ahead := shape[0], shape[1], shape[2], target[1]
	layers := 1
	if strings.HasSuffix(name, "individual") {
		layers = series
	}
	var net inner[T] = &nlinear[T]{lines: newLines[T](steps, ahead, layers, rng)}
	d := newDLinear[T](steps, ahead, layers, rng)
	if strings.HasPrefix(name, "dlinear") {
		net = d
	}
	weights := parity.Weights[T]{Fixture: f, Params: net.params(), Reversed: func(string) bool { return true }}
	weights.Load()
	x := tensor.NewParam[T](windows*series, steps)
	copy(x.Data, parity.As[T](parity.Turned(f.Floats("input/x"), steps, series)))
	tape := tensor.NewTape[T](nil)
	y := net.forward(tape, x)
	parity.Compare(f, "output", "y", parity.Turned(y.Data, series, ahead), f.Floats("output"+is.Suffix+"/y"), is.Output)
	if f.Has("output" + is.Suffix + "/trend") {
		trend, seasonal := d.split(tensor.NewInference[T](nil), x)
		parity.Compare(f, "output", "trend", parity.Turned(trend.Data, series, steps), f.Floats("output"+is.Suffix+"/trend"), is.Output)
		parity.Compare(f, "output", "seasonal", parity.Turned(seasonal.Data, series, steps), f.Floats("output"+is.Suffix+"/seasonal"), is.Output)
	}
	tape.BackwardFrom(y, parity.As[T](parity.Turned(f.Floats("input/cotangent"), ahead, series)))
	weights.CompareGradients("grad"+is.Suffix, is.Gradient)
	parity.Compare(f, "gradient", "x", parity.Turned(x.Grad, series, steps), f.Floats("grad_input"+is.Suffix+"/x"), is.Gradient)
}

// TestParity holds both networks, with shared weights and one set a series, against PyTorch.
func TestParity(t *testing.T) {
	for _, name := range []string{"nlinear", "nlinear_individual", "dlinear", "dlinear_individual"} {
		t.Run(name+" float64", func(t *testing.T) { check[float64](t, name) })
		t.Run(name+" float32", func(t *testing.T) { check[float32](t, name) })
	}
}
