package graphwavenet

import (
	"math"
	"slices"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/safetensors"
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
		f := openFixture(t, name)
		t.Run(name+" float64", func(t *testing.T) {
			checkPasses[float64](t, f.File, "64", tolerance{1e-12, 0}, tolerance{1e-10, 0})
		})
		t.Run(name+" float32", func(t *testing.T) {
			checkPasses[float32](t, f.File, "", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4})
		})
	}
}

func checkPasses[T tensor.Float](t *testing.T, file safetensors.File, suffix string, out, grad tolerance) {
	w, l := newWave[T](fixture{t, file}), largest{}
	tape := tensor.NewTape[T](nil)
	for _, p := range passes(suffix) {
		w.reset()
		tape.Reset()
		x, pad := w.input(p.input)
		y := w.net.Forward(tape, x, fixtureBatch, p.training, nil)
		want, _ := w.moments(p.output)
		l.compare(t, "output", p.output, wide(y.Data), want, out)
		cotangent, _ := w.moments(p.cotangent)
		tape.BackwardFrom(y, narrow[T](cotangent))
		for _, param := range w.params {
			if unread(param.Name) {
				if slices.ContainsFunc(param.Var.Grad, func(g T) bool { return g != 0 }) {
					t.Errorf("%s: %s has a gradient", p.grads, param.Name)
				}
				continue
			}
			l.compare(t, "gradient", p.grads+" "+param.Name, wide(param.Var.Grad), w.layout(p.grads, param.Name), grad)
		}
		dx, _ := w.moments(p.gradInput)
		l.compare(t, "gradient", p.gradInput, wide(x.Grad[pad:]), dx, grad)
		if p.training && suffix == "" {
			w.checkBuffers(t, l, "buffer_after_train")
		}
	}
	if suffix == "" {
		a := w.net.Adjacency(tensor.NewInference[T](nil))
		l.compare(t, "output", "adaptive_adjacency", wide(a.Data[:fixtureNodes*fixtureNodes]), w.floats("output/adaptive_adjacency"), out)
	}
	t.Logf("largest differences: %v", l)
}

func (w *wave[T]) checkBuffers(t *testing.T, l largest, group string) {
	for name, v := range w.net.Buffers() {
		l.compare(t, "running statistics", name, wide(v), w.floats(group+"/"+name), tolerance{1e-6, 0})
	}
}

// TestParityOfTrainer takes the original trainer's step: masked MAE in the target's unit, clipping, Adam with weight
// decay in the gradient.
func TestParityOfTrainer(t *testing.T) {
	for _, name := range fixtures {
		t.Run(name, func(t *testing.T) {
			w, l := newWave[float32](openFixture(t, name)), largest{}
			adam := nn.NewAdam(w.params)
			adam.Decay, adam.Clip = 1e-4, 5
			tape := tensor.NewTape[float32](nil)
			x, _ := w.input("input/step_x")
			y := w.net.Forward(tape, x, fixtureBatch, true, nil)
			// [batch, node, horizon], as y's rows lie.
			target := w.floats("input/step_target")
			loss, slopes := maskedMAE(y.Data, target, 19.5, 52)
			l.compare(t, "loss", "", []float64{loss}, w.floats("step/loss"), tolerance{1e-6, 1e-6})
			tape.BackwardFrom(y, slopes)
			norm := 0.0
			for _, p := range w.params {
				if unread(p.Name) {
					continue
				}
				for _, g := range p.Var.Grad {
					norm += float64(g) * float64(g)
				}
				l.compare(t, "gradient", p.Name, wide(p.Var.Grad), w.layout("step_grad_before_clip", p.Name), tolerance{1e-5, 1e-4})
			}
			l.compare(t, "norm", "", []float64{math.Sqrt(norm)}, w.floats("step/grad_norm_before_clip"), tolerance{1e-5, 1e-5})
			before := nn.Copy(w.params)
			grads := make([][]float32, len(w.params))
			for i, p := range w.params {
				grads[i] = slices.Clone(p.Var.Grad)
			}
			adam.Step(1e-3)
			for i, p := range w.params {
				want := w.layout("step_weight_after", p.Name)
				for j, v := range want {
					// Adam's first step is the gradient's sign: where that is rounding noise, so is the step.
					if g := float64(grads[i][j]) + 1e-4*float64(before[i][j]); math.Abs(g) < 1e-6 && !unread(p.Name) {
						want[j] = float64(p.Var.Data[j])
						if math.Abs(want[j]-float64(before[i][j])) > 1.001e-3 || math.Abs(v-float64(before[i][j])) > 1.001e-3 {
							t.Errorf("%s, element %d moved by more than the rate", p.Name, j)
						}
					}
				}
				l.compare(t, "weights after", p.Name, wide(p.Var.Data), want, tolerance{1e-6, 0})
			}
			w.checkBuffers(t, l, "step_buffer_after")
			t.Logf("largest differences: %v", l)
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
	f, l := openFixture(t, "graph_wavenet"), largest{}
	a := adjacency.FromDense(f.floats("input/adjacency"), fixtureNodes)
	for i, p := range DoubleTransition(a) {
		name := []string{"input/support_0", "input/support_1"}[i]
		one := p.Dense
		if p.Sparse != nil {
			one = denseTransition(p.Sparse)
		}
		l.compare(t, "transition", name, one.Data[:fixtureNodes*fixtureNodes], f.floats(name), tolerance{1e-7, 0})
	}
}

// TestSparseIsDense: both forms of the given transitions meet the float64 reference.
func TestSparseIsDense(t *testing.T) {
	f := openFixture(t, "graph_wavenet")
	for _, sparse := range []bool{true, false} {
		w, l := newWave[float64](f), largest{}
		for i, name := range []string{"input/support_0", "input/support_1"} {
			p := adjacency.FromDense(f.floats(name), fixtureNodes)
			if w.net.transitions[i] = (tensor.Transition[float64]{Sparse: p}); !sparse {
				w.net.transitions[i] = tensor.Transition[float64]{Dense: denseTransition(p)}
			}
		}
		x, _ := w.input("input/x")
		y := w.net.Forward(tensor.NewInference[float64](nil), x, fixtureBatch, false, nil)
		want, _ := w.moments("output64/y")
		l.compare(t, "output", "y", wide(y.Data), want, tolerance{1e-12, 0})
	}
}
