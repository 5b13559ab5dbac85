package parity

import (
	"math"

	"presage/model/tensor"
)

// Tolerance is by how much an element may differ: Abs plus Rel times the expected value's size.
type Tolerance struct{ Abs, Rel float64 }

// Precision is a width of numbers: the suffix of its groups in a fixture and what a network may differ by.
type Precision struct {
	Suffix           string
	Output, Gradient Tolerance
}

// PrecisionOf is that of T: the float64 network is held against the original's in float64, the float32 one against its
// float32 numbers, from which the order of sums alone takes it away.
func PrecisionOf[T tensor.Float]() Precision {
	if _, wide := any(T(0)).(float64); wide {
		return Precision{Suffix: "64", Output: Tolerance{Abs: 1e-12}, Gradient: Tolerance{Abs: 1e-10}}
	}
	return Precision{Output: Tolerance{Abs: 1e-6}, Gradient: Tolerance{Abs: 1e-5, Rel: 1e-4}}
}

// Compare fails f's test unless got is want, element by element. Kind is under which the largest difference is logged.
// NaN is never near.
func Compare[T tensor.Float](f *Fixture, kind, name string, got []T, want []float64, tol Tolerance) {
	f.tb.Helper()
	if len(got) != len(want) || len(want) == 0 {
		f.tb.Errorf("%s %s: %d elements, expected %d, at least one", kind, name, len(got), len(want))
		return
	}
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		f.largest[kind] = max(f.largest[kind], d)
		if !(d <= tol.Abs+tol.Rel*math.Abs(w)) {
			f.tb.Errorf("%s %s, element %d: %.12g, expected %.12g", kind, name, i, got[i], w)
			return
		}
	}
}
