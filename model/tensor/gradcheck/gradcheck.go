package gradcheck

import (
	"math"
	"math/rand/v2"
	"testing"

	"presage/model/tensor"
)

// Random makes a parameter with standard normal elements.
func Random(rng *rand.Rand, shape ...int) *tensor.Var[float64] {
	v := tensor.NewParam[float64](shape...)
	for i := range v.Data {
		v.Data[i] = rng.NormFloat64()
	}
	return v
}

// Check fails t unless the gradient of a random projection of f's output agrees with
// central differences for every element of inputs. f is called many times and must
// give the same value each time for the same inputs.
func Check(t *testing.T, inputs []*tensor.Var[float64], f func(*tensor.Tape[float64]) *tensor.Var[float64]) {
	t.Helper()
	tape := tensor.NewTape[float64](nil)
	y := f(tape)
	rng := rand.New(rand.NewPCG(7, 11))
	cotangent := make([]float64, len(y.Data))
	for i := range cotangent {
		cotangent[i] = rng.NormFloat64()
	}
	for _, in := range inputs {
		in.ZeroGrad()
	}
	tape.BackwardFrom(y, cotangent)

	plain := tensor.NewInference[float64](nil)
	value := func() float64 {
		plain.Reset()
		var sum float64
		for i, v := range f(plain).Data {
			sum += v * cotangent[i]
		}
		return sum
	}
	for k, in := range inputs {
		for i, x := range in.Data {
			step := 1e-5 * max(1, math.Abs(x))
			in.Data[i] = x + step
			high := value()
			in.Data[i] = x - step
			low := value()
			in.Data[i] = x
			want := (high - low) / (2 * step)
			if got := in.Grad[i]; math.Abs(got-want) > 1e-7*max(1, math.Abs(want)) {
				t.Errorf("input %d, element %d: gradient %.10g, central difference %.10g", k, i, got, want)
			}
		}
	}
}
