package nn

import (
	"math"

	"presage/model/tensor"
	"presage/model/tensor/kernel"
)

// Adam is Kingma and Ba's optimiser with PyTorch's defaults and conventions: the
// gradient's norm over all parameters is clipped first, then weight decay is added to the
// gradient, or, decoupled (AdamW), taken off the weights beside it. Added to the gradient it
// erodes embeddings: between two visits of a row nothing but decay is left in its moments, and
// Adam scales that up.
type Adam[T tensor.Float] struct {
	Beta1, Beta2, Epsilon float64
	Decay                 float64 // times Param.Decay
	Decoupled             bool    // AdamW
	Clip                  float64 // largest norm of the whole gradient; 0 means no bound

	params []Param[T]
	first  [][]T // running means of gradients
	second [][]T // and of their squares
	step   int
}

// NewAdam makes an optimiser for params without decay or clipping.
func NewAdam[T tensor.Float](params []Param[T]) *Adam[T] {
	a := &Adam[T]{Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, params: params}
	for _, p := range params {
		a.first = append(a.first, make([]T, len(p.Var.Data)))
		a.second = append(a.second, make([]T, len(p.Var.Data)))
	}
	return a
}

// Step moves the parameters against their gradients at the given rate and clears the
// gradients.
func (a *Adam[T]) Step(rate float64) {
	a.step++
	scale := a.clipScale()
	plain := rate
	rate /= 1 - math.Pow(a.Beta1, float64(a.step))
	root := math.Sqrt(1 - math.Pow(a.Beta2, float64(a.step)))
	for k, p := range a.params {
		decay, keep := a.Decay*p.Decay, 1.0
		if a.Decoupled {
			decay, keep = 0, 1-plain*a.Decay*p.Decay
		}
		kernel.Adam(p.Var.Data, p.Var.Grad, a.first[k], a.second[k], kernel.AdamStep{
			Scale: float32(scale), Decay: float32(decay), Keep: float32(keep), Beta1: float32(a.Beta1), Beta2: float32(a.Beta2),
			Rate: float32(rate), Root: float32(root), Epsilon: float32(a.Epsilon),
		})
	}
}

// clipScale is what the gradient is multiplied with.
func (a *Adam[T]) clipScale() float64 {
	if a.Clip <= 0 {
		return 1
	}
	var sum float64
	for _, p := range a.params {
		sum += kernel.SumSquares(p.Var.Grad)
	}
	if norm := math.Sqrt(sum); norm > a.Clip {
		return a.Clip / norm
	}
	return 1
}
