//go:build amd64 && !noasm

package kernel

// factors are the step's factors as the assembly reads them, in the order of gen/adam.go.
func (s AdamStep) factors() [10]float32 {
	return [10]float32{s.Scale, s.Decay, s.Keep, s.Beta1, 1 - s.Beta1, s.Beta2, 1 - s.Beta2, s.Rate, 1 / s.Root, s.Epsilon}
}

func adamWithAVX2(w, g, m, v []float32, s AdamStep) {
	f := s.factors()
	adamAVX2(w, g, m, v, &f[0])
}

func adamWithAVX512(w, g, m, v []float32, s AdamStep) {
	f := s.factors()
	adamAVX512(w, g, m, v, &f[0])
}
