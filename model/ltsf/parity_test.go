package ltsf

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/safetensors"
	"presage/model/tensor"
)

// fixture is one file of outputs and gradients that PyTorch computed for random weights and inputs.
type fixture struct {
	t *testing.T
	safetensors.File
}

func openFixture(t *testing.T, name string) fixture {
	t.Helper()
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(root, "parity", name+".safetensors"))
	if os.IsNotExist(err) {
		t.Skip("no fixtures here: PRESAGE_TESTDATA names the folder that holds parity/")
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

// tolerance is absolute plus relative.
type tolerance struct{ abs, rel float64 }

func compare[T tensor.Float](t *testing.T, name string, got []T, want []float64, tol tolerance) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, expected %d", name, len(got), len(want))
		return
	}
	largest := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		largest = max(largest, d)
		if !(d <= tol.abs+tol.rel*math.Abs(w)) {
			t.Errorf("%s, element %d: %.12g, expected %.12g", name, i, got[i], w)
			return
		}
	}
	t.Logf("%s: largest difference %.2g", name, largest)
}

// turned takes [.., a, b] as [.., b, a].
func turned[T, V tensor.Float](v []V, a, b int) []T {
	out := make([]T, len(v))
	for base := 0; base < len(v); base += a * b {
		for i := range a {
			for j := range b {
				out[base+j*a+i] = T(v[base+i*b+j])
			}
		}
	}
	return out
}

type inner[T tensor.Float] interface {
	forward(t *tensor.Tape[T], x *tensor.Var[T]) *tensor.Var[T]
	params() []nn.Param[T]
}

func check[T tensor.Float](t *testing.T, name, suffix string, out, grad tolerance) {
	f := openFixture(t, name)
	rng := rand.New(rand.NewPCG(0, 0))
	shape, target := f.Tensors["input/x"].Shape, f.Tensors["input/cotangent"].Shape
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
	for _, p := range net.params() {
		copy(p.Var.Data, turned[T](f.floats("weight/"+p.Name), p.Var.Cols(), p.Var.Rows()))
	}
	x := tensor.NewParam[T](windows*series, steps)
	copy(x.Data, turned[T](f.floats("input/x"), steps, series))
	tape := tensor.NewTape[T](nil)
	y := net.forward(tape, x)
	compare(t, "y", turned[T](y.Data, series, ahead), f.floats("output"+suffix+"/y"), out)
	if _, ok := f.Tensors["output"+suffix+"/trend"]; ok {
		trend, seasonal := d.split(tensor.NewInference[T](nil), x)
		compare(t, "trend", turned[T](trend.Data, series, steps), f.floats("output"+suffix+"/trend"), out)
		compare(t, "seasonal", turned[T](seasonal.Data, series, steps), f.floats("output"+suffix+"/seasonal"), out)
	}
	tape.BackwardFrom(y, turned[T](f.floats("input/cotangent"), ahead, series))
	for _, p := range net.params() {
		compare(t, "gradient of "+p.Name, turned[T](p.Var.Grad, p.Var.Rows(), p.Var.Cols()), f.floats("grad"+suffix+"/"+p.Name), grad)
	}
	compare(t, "gradient of x", turned[T](x.Grad, series, steps), f.floats("grad_input"+suffix+"/x"), grad)
}

// TestParity holds both networks, with shared weights and one set a series, against PyTorch.
func TestParity(t *testing.T) {
	for _, name := range []string{"nlinear", "nlinear_individual", "dlinear", "dlinear_individual"} {
		t.Run(name+" float64", func(t *testing.T) { check[float64](t, name, "64", tolerance{1e-12, 0}, tolerance{1e-10, 0}) })
		t.Run(name+" float32", func(t *testing.T) { check[float32](t, name, "", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4}) })
	}
}
