package nn

import (
	"math"
	"math/rand/v2"

	"presage/model/tensor"
)

// Param is a trained array with its name in stored weights.
type Param[T tensor.Float] struct {
	Name string
	Var  *tensor.Var[T]
	// Decay multiplies the optimiser's weight decay for this array.
	Decay float64
}

// Count is the number of trained elements.
func Count[T tensor.Float](params []Param[T]) int {
	n := 0
	for _, p := range params {
		n += len(p.Var.Data)
	}
	return n
}

// Copy returns the present values of params.
func Copy[T tensor.Float](params []Param[T]) [][]T {
	out := make([][]T, len(params))
	for i, p := range params {
		out[i] = append([]T(nil), p.Var.Data...)
	}
	return out
}

// Set puts values that Copy gave back into params.
func Set[T tensor.Float](params []Param[T], values [][]T) {
	for i, p := range params {
		copy(p.Var.Data, values[i])
	}
}

// uniform fills v from [-limit, limit).
func uniform[T tensor.Float](rng *rand.Rand, v []T, limit float64) {
	for i := range v {
		v[i] = T((2*rng.Float64() - 1) * limit)
	}
}

// kaiming is the limit of PyTorch's default for linear layers: 1/sqrt(inputs).
func kaiming(inputs int) float64 { return 1 / math.Sqrt(float64(max(inputs, 1))) }
