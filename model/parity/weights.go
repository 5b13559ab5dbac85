package parity

import (
	"presage/model/nn"
	"presage/model/tensor"
)

// Weights are a network's parameters beside a fixture's.
type Weights[T tensor.Float] struct {
	*Fixture
	Params []nn.Param[T]
	// Named is the fixture's name of a parameter; nil where all names are the same.
	Named func(name string) string
	// Reversed says of a parameter, by its own name, whether its axes are the fixture's from last to first, as those of a
	// linear layer are, which is [out, in] there and [in, out] here. Nil is never.
	Reversed func(name string) bool
}

// Load gives the network the fixture's weights.
func (w Weights[T]) Load() {
	w.tb.Helper()
	for _, p := range w.Params {
		v := w.Array("weight", p)
		if len(v) != len(p.Var.Data) {
			w.tb.Fatalf("weight %s: %d elements in the fixture, expected %d", p.Name, len(v), len(p.Var.Data))
		}
		copy(p.Var.Data, As[T](v))
	}
}

// Array is what a group of the fixture has for a parameter, in the parameter's own layout.
func (w Weights[T]) Array(group string, p nn.Param[T]) []float64 {
	w.tb.Helper()
	name := group + "/" + p.Name
	if w.Named != nil {
		name = group + "/" + w.Named(p.Name)
	}
	if w.Reversed != nil && w.Reversed(p.Name) {
		return reversed(w.Floats(name), w.Shape(name))
	}
	return w.Floats(name)
}

// CompareGradients holds the parameters' gradients against a group.
func (w Weights[T]) CompareGradients(group string, tol Tolerance) {
	w.tb.Helper()
	for _, p := range w.Params {
		Compare(w.Fixture, "gradient", group+" "+p.Name, p.Var.Grad, w.Array(group, p), tol)
	}
}

// CompareValues holds the parameters themselves, after a step, against a group.
func (w Weights[T]) CompareValues(group string, tol Tolerance) {
	w.tb.Helper()
	for _, p := range w.Params {
		Compare(w.Fixture, "weight", group+" "+p.Name, p.Var.Data, w.Array(group, p), tol)
	}
}
