package astgcn

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/nn/adjacency"
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

// loaded is a network with a fixture's weights, which are under the names of published for those of the paper's form.
func loaded[T tensor.Float](f fixture, laplacian string, channels int, across bool, named func(string) string) *network[T] {
	outputs, hidden := f.Tensors["weight/regressor.weight"].Shape[0], f.Tensors["weight/regressor.weight"].Shape[1]
	services := f.Tensors[laplacian].Shape[0]
	graph := adjacency.FromDense(narrow[T](f.floats(laplacian)), services)
	n := newNetwork(Config{Hidden: hidden, Across: across}, graph, channels, outputs, rand.New(rand.NewPCG(0, 0)))
	for _, p := range n.params() {
		copy(p.Var.Data, layout[T](p, f.floats("weight/"+named(p.Name))))
	}
	return n
}

// published keeps a name, own gives that of the paper's form.
func published(name string) string { return name }

func own(name string) string {
	return strings.NewReplacer("model.tgcn_cell.", "", "graph_conv1.weights", "w1", "graph_conv1.biases", "b1",
		"graph_conv2.weights", "w2", "graph_conv2.biases", "b2").Replace(name)
}

// layout turns a fixture's array into ours: the regressor is [out, in] there.
func layout[V, T tensor.Float](p nn.Param[T], v []float64) []V {
	if p.Name != "regressor.weight" {
		return narrow[V](v)
	}
	in, out := p.Var.Shape[0], p.Var.Shape[1]
	w := make([]V, len(v))
	for i := range in {
		for j := range out {
			w[i*out+j] = V(v[j*in+i])
		}
	}
	return w
}

func narrow[T tensor.Float](v []float64) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = T(x)
	}
	return out
}

// precision is a width of numbers with the names of its tensors and its tolerances.
type precision struct {
	suffix    string
	out, grad tolerance
}

var (
	wide   = precision{"64", tolerance{1e-12, 0}, tolerance{1e-10, 0}}
	single = precision{"", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4}}
)

// compareWeights holds the gradients of the weights.
func compareWeights[T tensor.Float](t *testing.T, f fixture, params []nn.Param[T], p precision, named func(string) string) {
	for _, w := range params {
		compare(t, "gradient of "+w.Name, w.Var.Grad, layout[float64](w, f.floats("grad"+p.suffix+"/"+named(w.Name))), p.grad)
	}
}

// checkCell holds a network of one input a step.
func checkCell[T tensor.Float](t *testing.T, f fixture, across bool, p precision) {
	f.t = t
	n := loaded[T](f, "buffer/model.tgcn_cell.graph_conv1.laplacian", 1, across, published)
	shape := f.Tensors["input/x"].Shape
	x := tensor.NewParam[T](shape[0]*shape[1]*shape[2], 1)
	copy(x.Data, narrow[T](f.floats("input/x")))
	tape := tensor.NewTape[T](nil)
	state, y := n.forward(tape, x, shape[1])
	compare(t, "hidden", state.Data, f.floats("output"+p.suffix+"/hidden"), p.out)
	compare(t, "prediction", y.Data, f.floats("output"+p.suffix+"/prediction"), p.out)
	tape.BackwardFrom(y, narrow[T](f.floats("input/cotangent")))
	compareWeights(t, f, n.params(), p, published)
	compare(t, "gradient of x", x.Grad, f.floats("grad_input"+p.suffix+"/x"), p.grad)
}

// TestParityOfCells holds T-GCN as published and per service, and the published form of AST-GCN.
func TestParityOfCells(t *testing.T) {
	for _, name := range []string{"tgcn", "tgcn_nodewise", "astgcn_repo_scheme1", "astgcn_repo_scheme2", "astgcn_repo_scheme3"} {
		f := openFixture(t, name)
		across := name != "tgcn_nodewise"
		t.Run(name+" float64", func(t *testing.T) { checkCell[float64](t, f, across, wide) })
		t.Run(name+" float32", func(t *testing.T) { checkCell[float32](t, f, across, single) })
	}
}

// checkPaper holds the paper's form: inputs, values, and gradients down to the attributes.
func checkPaper[T tensor.Float](t *testing.T, f fixture, p precision) {
	f.t = t
	shape, dynamic := f.Tensors["input/x"].Shape, f.Tensors["input/dynamic"].Shape
	windows, steps, services, kinds := shape[0], shape[1], shape[2], dynamic[3]
	window := dynamic[1] - steps
	s := series[T]{
		windows: windows, steps: steps + window, services: services, channels: 1 + kinds, static: narrow[T](f.floats("input/static")),
		x: joined(narrow[T](f.floats("input/x")), narrow[T](f.floats("input/dynamic")), windows, steps, window, services, kinds),
	}
	x := tensor.NewParam[T](windows*steps*services, s.width(window))
	s.widened(x.Data, window, window)
	compare(t, "augmented", x.Data, f.floats("output"+p.suffix+"/augmented"), tolerance{})

	n := loaded[T](f, "buffer/laplacian", x.Cols(), false, own)
	tape := tensor.NewTape[T](nil)
	state, y := n.forward(tape, x, steps)
	compare(t, "hidden", state.Data, f.floats("output"+p.suffix+"/hidden"), p.out)
	compare(t, "prediction", y.Data, f.floats("output"+p.suffix+"/prediction"), p.out)
	cotangent := narrow[T](f.floats("input/cotangent"))
	tape.BackwardFrom(y, cotangent)
	compareWeights(t, f, n.params(), p, own)
	dx, dStatic, dDynamic := apart(x.Grad, s, window)
	compare(t, "gradient of x", dx, f.floats("grad_input"+p.suffix+"/x"), p.grad)
	compare(t, "gradient of static", dStatic, f.floats("grad_input"+p.suffix+"/static"), p.grad)
	compare(t, "gradient of dynamic", dDynamic, f.floats("grad_input"+p.suffix+"/dynamic"), p.grad)

	if p.suffix == "" {
		n.across = true
		_, y = n.forward(tensor.NewInference[T](nil), x, steps)
		compare(t, "prediction with gates across services", y.Data, f.floats("output/prediction_flat_chunk"), p.out)
	}
}

// joined puts targets [B, T, N] and attributes [B, T + m, N, w] side by side; targets before the first are zero.
func joined[T tensor.Float](x, dynamic []T, windows, steps, window, services, kinds int) []T {
	var out []T
	for w := range windows {
		for k := range steps + window {
			for i := range services {
				target := T(0)
				if k >= window {
					target = x[(w*steps+k-window)*services+i]
				}
				out = append(out, target)
				out = append(out, dynamic[((w*(steps+window)+k)*services+i)*kinds:][:kinds]...)
			}
		}
	}
	return out
}

// apart adds the gradients of widened inputs to what they were made of, from the equation.
func apart[T tensor.Float](g []T, s series[T], window int) (x, static, dynamic []T) {
	steps, kinds, moving := s.steps-window, s.kinds(), s.channels-1
	static, dynamic = make([]T, len(s.static)), make([]T, s.windows*s.steps*s.services*moving)
	width := s.width(window)
	for row := range s.windows * steps * s.services {
		w, k, i := row/(steps*s.services), row/s.services%steps, row%s.services
		from := g[row*width : (row+1)*width]
		x = append(x, from[0])
		for j := range kinds {
			static[i*kinds+j] += from[1+j]
		}
		for j := range moving {
			for l := range window + 1 { // of step k + l, the first m being before the window
				dynamic[((w*s.steps+k+l)*s.services+i)*moving+j] += from[1+kinds+j*(window+1)+l]
			}
		}
	}
	return x, static, dynamic
}

// TestParityOfPaper holds the default form.
func TestParityOfPaper(t *testing.T) {
	f := openFixture(t, "astgcn_paper")
	t.Run("float64", func(t *testing.T) { checkPaper[float64](t, f, wide) })
	t.Run("float32", func(t *testing.T) { checkPaper[float32](t, f, single) })
}

// TestParityOfNormalisation: the panel's graph is mixed with as T-GCN does.
func TestParityOfNormalisation(t *testing.T) {
	f := openFixture(t, "tgcn")
	a := adjacency.FromDense(narrow[float32](f.floats("input/adjacency")), 7)
	got := normalised(&model.Graph{RowPtr: a.RowPtr, Col: a.Col, Weight: a.Val}, 7)
	compare(t, "laplacian", adjacency.Dense(got), f.floats("buffer/model.tgcn_cell.graph_conv1.laplacian"), tolerance{1e-7, 0})
}

// TestParityOfRows: the published code's input of the target and one attribute that stays.
func TestParityOfRows(t *testing.T) {
	f := openFixture(t, "astgcn_repo_scheme1")
	starts, err := f.Tensors["input/window_start"].Int64()
	if err != nil {
		t.Fatal(err)
	}
	speed, poi := f.floats("input/speed_series"), f.floats("input/poi_table")
	const services, length, steps = 7, 30, 5
	s := series[float32]{windows: len(starts), steps: steps, services: services, channels: 1}
	for _, from := range starts {
		for _, v := range speed[int(from)*services : (int(from)+steps)*services] {
			s.x = append(s.x, float32(v)/float32(slices.Max(speed)))
		}
	}
	for i := range services {
		s.static = append(s.static, float32(poi[i*length])/float32(slices.Max(poi)))
	}
	got := make([]float32, len(starts)*s.length()*services)
	s.lengthened(got)
	compare(t, "x", got, f.floats("input/x"), tolerance{1e-7, 0})
}

// TestParityOfStep takes T-GCN's published training step: half the sum of squares with a penalty on all weights.
func TestParityOfStep(t *testing.T) {
	for _, name := range []string{"tgcn", "tgcn_nodewise"} {
		t.Run(name, func(t *testing.T) {
			f := openFixture(t, name)
			n := loaded[float32](f, "buffer/model.tgcn_cell.graph_conv1.laplacian", 1, name == "tgcn", published)
			shape, ahead := f.Tensors["input/x"].Shape, f.Tensors["input/target"].Shape[1]
			windows, steps, services := shape[0], shape[1], shape[2]
			tape := tensor.NewTape[float32](nil)
			_, y := n.forward(tape, tape.Const(narrow[float32](f.floats("input/x")), windows*steps*services, 1), steps)
			target, slope := f.floats("input/target"), make([]float32, len(y.Data))
			sum := 0.0
			for w := range windows {
				for i := range services {
					for k := range ahead {
						at := (w*services+i)*ahead + k
						slope[at] = y.Data[at] - float32(target[(w*ahead+k)*services+i])
						sum += float64(slope[at]) * float64(slope[at]) / 2
					}
				}
			}
			tape.BackwardFrom(y, slope)
			const penalty = 1.5e-3
			adam := nn.NewAdam(n.params())
			adam.Decay = penalty
			for _, p := range n.params() {
				var all []float32
				for i, g := range p.Var.Grad {
					sum += penalty * float64(p.Var.Data[i]) * float64(p.Var.Data[i]) / 2
					all = append(all, g+penalty*p.Var.Data[i])
				}
				compare(t, "gradient of "+p.Name, all, layout[float64](p, f.floats("step_grad/"+p.Name)), single.grad)
			}
			compare(t, "loss", []float64{sum}, f.floats("step/mse_with_regularizer"), tolerance{1e-6, 1e-5})
			adam.Step(1e-3)
			for _, p := range n.params() {
				compare(t, "step of "+p.Name, p.Var.Data, layout[float64](p, f.floats("step_weight_after/"+p.Name)), tolerance{1e-6, 0})
			}
		})
	}
}

// checkGCN holds T-GCN's baseline without a recurrence, which the package does not offer: one convolution of the windows.
func checkGCN[T tensor.Float](t *testing.T, f fixture, p precision) {
	f.t = t
	shape := f.Tensors["input/x"].Shape
	windows, steps, services := shape[0], shape[1], shape[2]
	graph := adjacency.FromDense(narrow[T](f.floats("buffer/model.laplacian")), services)
	rng := rand.New(rand.NewPCG(0, 0))
	hidden, ahead := f.Tensors["weight/model.weights"].Shape[1], f.Tensors["weight/regressor.weight"].Shape[0]
	params := append([]nn.Param[T]{{Name: "model.weights", Var: tensor.NewParam[T](steps, hidden)}},
		nn.NewLinear[T](hidden, ahead, rng).Params("regressor")...)
	for _, w := range params {
		copy(w.Var.Data, layout[T](w, f.floats("weight/"+w.Name)))
	}
	x := tensor.NewParam[T](windows*services, steps)
	place := func(do func(from, to int)) {
		for w := range windows {
			for k := range steps {
				for i := range services {
					do((w*steps+k)*services+i, (w*services+i)*steps+k)
				}
			}
		}
	}
	values := f.floats("input/x")
	place(func(from, to int) { x.Data[to] = T(values[from]) })
	graphs := make([]*tensor.CSR[T], windows)
	for w := range graphs {
		graphs[w] = graph
	}
	tape := tensor.NewTape[T](nil)
	state := tape.Tanh(tape.MatMul(tape.SpMM(x, graphs...), params[0].Var))
	y := tape.Linear(state, params[1].Var, params[2].Var, false)
	compare(t, "hidden", state.Data, f.floats("output"+p.suffix+"/hidden"), p.out)
	compare(t, "prediction", y.Data, f.floats("output"+p.suffix+"/prediction"), p.out)
	tape.BackwardFrom(y, narrow[T](f.floats("input/cotangent")))
	compareWeights(t, f, params, p, published)
	dx := make([]T, len(values))
	place(func(from, to int) { dx[from] = x.Grad[to] })
	compare(t, "gradient of x", dx, f.floats("grad_input"+p.suffix+"/x"), p.grad)
}

// TestParityOfGCN holds T-GCN's baseline.
func TestParityOfGCN(t *testing.T) {
	f := openFixture(t, "tgcn_gcn_baseline")
	t.Run("float64", func(t *testing.T) { checkGCN[float64](t, f, wide) })
	t.Run("float32", func(t *testing.T) { checkGCN[float32](t, f, single) })
}
