package graphwavenet

import (
	"math"
	"slices"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/parity"
	"presage/model/tensor"
)

var fixtures = []string{"graph_wavenet", "graph_wavenet_adaptive_only"}

// pass is one pass of a fixture: the names of its tensors.
type pass struct {
	input, cotangent, output, grads, gradInput string
	training                                   bool
}

func passes(suffix string) []pass {
	all := []pass{
		{"input/x", "input/cotangent", "output" + suffix + "/y", "grad" + suffix, "grad_input" + suffix + "/x", false},
		{"input/x", "input/cotangent", "output" + suffix + "/y_train", "grad" + suffix + "_train", "grad_input" + suffix + "/x_train", true},
	}
	if suffix == "" {
		all = append(all, pass{"input/x_short", "input/cotangent_short", "output/y_short", "grad_short", "grad_input/x_short", false})
	}
	return all
}

// TestParity holds outputs, gradients of weights and inputs, and running statistics against the original.
func TestParity(t *testing.T) {
	for _, name := range fixtures {
		f := parity.Open(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPasses[float64](t, f.To(t))
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPasses[float32](t, f.To(t))
		})
	}
}

func checkPasses[T tensor.Float](t *testing.T, f *parity.Fixture) {
	w, is := newWave[T](f), parity.PrecisionOf[T]()
	tape := tensor.NewTape[T](nil)
	for _, p := range passes(is.Suffix) {
		w.reset()
		tape.Reset()
		x, pad := w.input(p.input)
		y := w.net.Forward(tape, x, fixtureBatch, p.training, nil)
		want, _ := w.moments(p.output)
		parity.Compare(w.Fixture, "output", p.output, y.Data, want, is.Output)
		cotangent, _ := w.moments(p.cotangent)
		tape.BackwardFrom(y, parity.As[T](cotangent))
		w.read().CompareGradients(p.grads, is.Gradient)
		for _, param := range w.Params {
			if unread(param.Name) && slices.ContainsFunc(param.Var.Grad, func(g T) bool { return g != 0 }) {
				t.Errorf("%s: %s has a gradient", p.grads, param.Name)
			}
		}
		dx, _ := w.moments(p.gradInput)
		parity.Compare(w.Fixture, "gradient", p.gradInput, x.Grad[pad:], dx, is.Gradient)
		if p.training && is.Suffix == "" {
			w.checkBuffers("buffer_after_train")
		}
	}
	if is.Suffix == "" {
		a := w.net.Adjacency(tensor.NewInference[T](nil))
		parity.Compare(w.Fixture, "output", "adaptive_adjacency", a.Data[:fixtureNodes*fixtureNodes], w.Floats("output/adaptive_adjacency"), is.Output)
	}
}

func (w *wave[T]) checkBuffers(group string) {
	for name, v := range w.net.Buffers() {
		parity.Compare(w.Fixture, "running statistics", name, v, w.Floats(group+"/"+name), parity.Tolerance{Abs: 1e-6})
	}
}

// TestParityOfTrainer takes the original trainer's step: masked MAE in the target's unit, clipping, Adam with weight
// decay in the gradient.
func TestParityOfTrainer(t *testing.T) {
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			w := newWave[float32](parity.Open(t, name))
			adam := nn.NewAdam(w.Params)
			adam.Decay, adam.Clip = 1e-4, 5
			tape := tensor.NewTape[float32](nil)
			x, _ := w.input("input/step_x")
			y := w.net.Forward(tape, x, fixtureBatch, true, nil)
			// [batch, node, horizon], as y's rows lie.
			target := w.Floats("input/step_target")
			loss, slopes := maskedMAE(y.Data, target, 19.5, 52)
			parity.Compare(w.Fixture, "loss", "", []float64{loss}, w.Floats("step/loss"), parity.Tolerance{Abs: 1e-6, Rel: 1e-6})
			tape.BackwardFrom(y, slopes)
			norm := 0.0
			read := w.read()
			read.CompareGradients("step_grad_before_clip", parity.PrecisionOf[float32]().Gradient)
			for _, p := range read.Params {
				for _, g := range p.Var.Grad {
					norm += float64(g) * float64(g)
				}
			}
			parity.Compare(w.Fixture, "norm", "", []float64{math.Sqrt(norm)}, w.Floats("step/grad_norm_before_clip"), parity.Tolerance{Abs: 1e-5, Rel: 1e-5})
			before := nn.Copy(w.Params)
			grads := make([][]float32, len(w.Params))
			for i, p := range w.Params {
				grads[i] = slices.Clone(p.Var.Grad)
			}
			adam.Step(1e-3)
			for i, p := range w.Params {
				want := w.Array("step_weight_after", p)
				for j, v := range want {
					// Adam's first step is the gradient's sign: where that is rounding noise, so is the step.
					if g := float64(grads[i][j]) + 1e-4*float64(before[i][j]); math.Abs(g) < 1e-6 && !unread(p.Name) {
						want[j] = float64(p.Var.Data[j])
						if math.Abs(want[j]-float64(before[i][j])) > 1.001e-3 || math.Abs(v-float64(before[i][j])) > 1.001e-3 {
							t.Errorf("%s, element %d moved by more than the rate", p.Name, j)
						}
					}
				}
				parity.Compare(w.Fixture, "weights after", p.Name, p.Var.Data, want, parity.Tolerance{Abs: 1e-6})
			}
			w.checkBuffers("step_buffer_after")
		})
	}
}

// maskedMAE is the mean absolute error over targets that aren't zero, and its derivative by the scaled prediction.
func maskedMAE(y []float32, target []float64, deviation, mean float64) (loss float64, slopes []float32) {
	slopes = make([]float32, len(y))
	n := 0.0
	for _, v := range target {
		if v != 0 {
			n++
		}
	}
	for i, v := range target {
		d := float64(y[i])*deviation + mean - v
		switch {
		case v == 0:
		case d > 0:
			loss += d / n
			slopes[i] = float32(deviation / n)
		default:
			loss -= d / n
			slopes[i] = float32(-deviation / n)
		}
	}
	return loss, slopes
}

// TestDoubleTransition holds both transition matrices, sparse and dense, against the original's.
func TestDoubleTransition(t *testing.T) {
	f := parity.Open(t, "graph_wavenet")
	a := adjacency.FromDense(f.Floats("input/adjacency"), fixtureNodes)
	for i, p := range DoubleTransition(a) {
		name := []string{"input/support_0", "input/support_1"}[i]
		one := p.Dense
		if p.Sparse != nil {
			one = denseTransition(p.Sparse)
		}
		parity.Compare(f, "transition", name, one.Data[:fixtureNodes*fixtureNodes], f.Floats(name), parity.Tolerance{Abs: 1e-7})
	}
}

// TestSparseIsDense: both forms of the given transitions meet the float64 reference.
func TestSparseIsDense(t *testing.T) {
	f := parity.Open(t, "graph_wavenet")
	for _, sparse := range []bool{true, false} {
		w := newWave[float64](f)
		for i, name := range []string{"input/support_0", "input/support_1"} {
			p := adjacency.FromDense(f.Floats(name), fixtureNodes)
			if w.net.transitions[i] = (tensor.Transition[float64]{Sparse: p}); !sparse {
				w.net.transitions[i] = tensor.Transition[float64]{Dense: denseTransition(p)}
			}
		}
		x, _ := w.input("input/x")
		y := w.net.Forward(tensor.NewInference[float64](nil), x, fixtureBatch, false, nil)
		want, _ := w.moments("output64/y")
		parity.Compare(w.Fixture, "output", "y", y.Data, want, parity.PrecisionOf[float64]().Output)
	}
}
