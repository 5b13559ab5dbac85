package astgcn

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/parity"
	"presage/model/tensor"
)

// loaded is a network with a fixture's weights, which are under the names of published for those of the paper's form.
func loaded[T tensor.Float](f *parity.Fixture, laplacian string, channels int, across bool, named func(string) string) (*network[T], parity.Weights[T]) {
	regressor := f.Shape("weight/regressor.weight")
	services := f.Shape(laplacian)[0]
	graph := adjacency.FromDense(parity.As[T](f.Floats(laplacian)), services)
	n := newNetwork(Config{Hidden: regressor[1], Across: across}, graph, channels, regressor[0], rand.New(rand.NewPCG(0, 0)))
	w := parity.Weights[T]{Fixture: f, Params: n.params(), Named: named, Reversed: linear}
	w.Load()
	return n, w
}

// published keeps a name, own gives that of the paper's form.
func published(name string) string { return name }

func own(name string) string {
	return strings.NewReplacer("model.tgcn_cell.", "", "graph_conv1.weights", "w1", "graph_conv1.biases", "b1",
		"graph_conv2.weights", "w2", "graph_conv2.biases", "b2").Replace(name)
}

// linear says whether a parameter is a linear layer's, which is [out, in] in the fixture.
func linear(name string) bool { return name == "regressor.weight" }

// checkCell holds a network of one input a step.
func checkCell[T tensor.Float](f *parity.Fixture, across bool) {
	is := parity.PrecisionOf[T]()
	n, weights := loaded[T](f, "buffer/model.tgcn_cell.graph_conv1.laplacian", 1, across, published)
	shape := f.Shape("input/x")
	x := tensor.NewParam[T](shape[0]*shape[1]*shape[2], 1)
	copy(x.Data, parity.As[T](f.Floats("input/x")))
	tape := tensor.NewTape[T](nil)
	state, y := n.forward(tape, x, shape[1])
	parity.Compare(f, "output", "hidden", state.Data, f.Floats("output"+is.Suffix+"/hidden"), is.Output)
	parity.Compare(f, "output", "prediction", y.Data, f.Floats("output"+is.Suffix+"/prediction"), is.Output)
	tape.BackwardFrom(y, parity.As[T](f.Floats("input/cotangent")))
	weights.CompareGradients("grad"+is.Suffix, is.Gradient)
	parity.Compare(f, "gradient", "x", x.Grad, f.Floats("grad_input"+is.Suffix+"/x"), is.Gradient)
}

// TestParityOfCells holds T-GCN as published and per service, and the published form of AST-GCN.
func TestParityOfCells(t *testing.T) {
	for _, name := range []string{"tgcn", "tgcn_nodewise", "astgcn_repo_scheme1", "astgcn_repo_scheme2", "astgcn_repo_scheme3"} {
		f := parity.Open(t, name)
		across := name != "tgcn_nodewise"
		t.Run(name+" float64", func(t *testing.T) { checkCell[float64](f.To(t), across) })
		t.Run(name+" float32", func(t *testing.T) { checkCell[float32](f.To(t), across) })
	}
}

// checkPaper holds the paper's form: inputs, values, and gradients down to the attributes.
func checkPaper[T tensor.Float](f *parity.Fixture) {
	is := parity.PrecisionOf[T]()
	shape, dynamic := f.Shape("input/x"), f.Shape("input/dynamic")
	windows, steps, services, kinds := shape[0], shape[1], shape[2], dynamic[3]
	window := dynamic[1] - steps
	s := series[T]{
		windows: windows, steps: steps + window, services: services, channels: 1 + kinds, static: parity.As[T](f.Floats("input/static")),
		x: joined(parity.As[T](f.Floats("input/x")), parity.As[T](f.Floats("input/dynamic")), windows, steps, window, services, kinds),
	}
	x := tensor.NewParam[T](windows*steps*services, s.width(window))
	s.widened(x.Data, window, window)
	parity.Compare(f, "input", "augmented", x.Data, f.Floats("output"+is.Suffix+"/augmented"), parity.Tolerance{})

	n, weights := loaded[T](f, "buffer/laplacian", x.Cols(), false, own)
	tape := tensor.NewTape[T](nil)
	state, y := n.forward(tape, x, steps)
	parity.Compare(f, "output", "hidden", state.Data, f.Floats("output"+is.Suffix+"/hidden"), is.Output)
	parity.Compare(f, "output", "prediction", y.Data, f.Floats("output"+is.Suffix+"/prediction"), is.Output)
	cotangent := parity.As[T](f.Floats("input/cotangent"))
	tape.BackwardFrom(y, cotangent)
	weights.CompareGradients("grad"+is.Suffix, is.Gradient)
	dx, dStatic, dDynamic := apart(x.Grad, s, window)
	parity.Compare(f, "gradient", "x", dx, f.Floats("grad_input"+is.Suffix+"/x"), is.Gradient)
	parity.Compare(f, "gradient", "static", dStatic, f.Floats("grad_input"+is.Suffix+"/static"), is.Gradient)
	parity.Compare(f, "gradient", "dynamic", dDynamic, f.Floats("grad_input"+is.Suffix+"/dynamic"), is.Gradient)

	if is.Suffix == "" {
		n.across = true
		_, y = n.forward(tensor.NewInference[T](nil), x, steps)
		parity.Compare(f, "output", "prediction with gates across services", y.Data, f.Floats("output/prediction_flat_chunk"), is.Output)
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
	f := parity.Open(t, "astgcn_paper")
	t.Run("float64", func(t *testing.T) { checkPaper[float64](f.To(t)) })
	t.Run("float32", func(t *testing.T) { checkPaper[float32](f.To(t)) })
}

// TestParityOfNormalisation: the panel's graph is mixed with as T-GCN does.
func TestParityOfNormalisation(t *testing.T) {
	f := parity.Open(t, "tgcn")
	a := adjacency.FromDense(parity.As[float32](f.Floats("input/adjacency")), 7)
	got := normalised(&model.Graph{RowPtr: a.RowPtr, Col: a.Col, Weight: a.Val}, 7)
	parity.Compare(f, "normalisation", "laplacian", adjacency.Dense(got), f.Floats("buffer/model.tgcn_cell.graph_conv1.laplacian"), parity.Tolerance{Abs: 1e-7})
}

// TestParityOfRows: the published code's input of the target and one attribute that stays.
func TestParityOfRows(t *testing.T) {
	f := parity.Open(t, "astgcn_repo_scheme1")
	starts := f.Ints("input/window_start")
	speed, poi := f.Floats("input/speed_series"), f.Floats("input/poi_table")
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
	parity.Compare(f, "input", "x", got, f.Floats("input/x"), parity.Tolerance{Abs: 1e-7})
}

// TestParityOfStep takes T-GCN's published training step: half the sum of squares with a penalty on all weights.
func TestParityOfStep(t *testing.T) {
	for _, name := range []string{"tgcn", "tgcn_nodewise"} {
		t.Run(name, func(t *testing.T) {
			f := parity.Open(t, name)
			n, weights := loaded[float32](f, "buffer/model.tgcn_cell.graph_conv1.laplacian", 1, name == "tgcn", published)
			shape, ahead := f.Shape("input/x"), f.Shape("input/target")[1]
			windows, steps, services := shape[0], shape[1], shape[2]
			tape := tensor.NewTape[float32](nil)
			_, y := n.forward(tape, tape.Const(parity.As[float32](f.Floats("input/x")), windows*steps*services, 1), steps)
			target, slope := f.Floats("input/target"), make([]float32, len(y.Data))
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
				parity.Compare(f, "gradient", "step_grad "+p.Name, all, weights.Array("step_grad", p), parity.PrecisionOf[float32]().Gradient)
			}
			parity.Compare(f, "loss", "with the penalty", []float64{sum}, f.Floats("step/mse_with_regularizer"), parity.Tolerance{Abs: 1e-6, Rel: 1e-5})
			adam.Step(1e-3)
			weights.CompareValues("step_weight_after", parity.Tolerance{Abs: 1e-6})
		})
	}
}

// checkGCN holds T-GCN's baseline without a recurrence, which the package does not offer: one convolution of the windows.
func checkGCN[T tensor.Float](f *parity.Fixture) {
	is := parity.PrecisionOf[T]()
	shape := f.Shape("input/x")
	windows, steps, services := shape[0], shape[1], shape[2]
	graph := adjacency.FromDense(parity.As[T](f.Floats("buffer/model.laplacian")), services)
	rng := rand.New(rand.NewPCG(0, 0))
	hidden, ahead := f.Shape("weight/model.weights")[1], f.Shape("weight/regressor.weight")[0]
	params := append([]nn.Param[T]{{Name: "model.weights", Var: tensor.NewParam[T](steps, hidden)}},
		nn.NewLinear[T](hidden, ahead, rng).Params("regressor")...)
	weights := parity.Weights[T]{Fixture: f, Params: params, Reversed: linear}
	weights.Load()
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
	values := f.Floats("input/x")
	place(func(from, to int) { x.Data[to] = T(values[from]) })
	graphs := make([]*tensor.CSR[T], windows)
	for w := range graphs {
		graphs[w] = graph
	}
	tape := tensor.NewTape[T](nil)
	state := tape.Tanh(tape.MatMul(tape.SpMM(x, graphs...), params[0].Var))
	y := tape.Linear(state, params[1].Var, params[2].Var, false)
	parity.Compare(f, "output", "hidden", state.Data, f.Floats("output"+is.Suffix+"/hidden"), is.Output)
	parity.Compare(f, "output", "prediction", y.Data, f.Floats("output"+is.Suffix+"/prediction"), is.Output)
	tape.BackwardFrom(y, parity.As[T](f.Floats("input/cotangent")))
	weights.CompareGradients("grad"+is.Suffix, is.Gradient)
	dx := make([]T, len(values))
	place(func(from, to int) { dx[from] = x.Grad[to] })
	parity.Compare(f, "gradient", "x", dx, f.Floats("grad_input"+is.Suffix+"/x"), is.Gradient)
}

// TestParityOfGCN holds T-GCN's baseline.
func TestParityOfGCN(t *testing.T) {
	f := parity.Open(t, "tgcn_gcn_baseline")
	t.Run("float64", func(t *testing.T) { checkGCN[float64](f.To(t)) })
	t.Run("float32", func(t *testing.T) { checkGCN[float32](f.To(t)) })
}
