package kernel

import "math"

// The passes over one row that the softmax and the layer norm are made of.

// rowLargestGo is the largest element of a row; what is not a number is left out.
func rowLargestGo(src []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range src {
		if v > m {
			m = v
		}
	}
	return m
}

// rowExpGo is dst = exp(src - by).
func rowExpGo(dst, src []float32, by float32) {
	for j, v := range src {
		dst[j] = float32(math.Exp(float64(v - by)))
	}
}

// rowAffineGo is dst = (src - mean) inv gain + bias.
func rowAffineGo(dst, src, gain, bias []float32, mean, inv float32) {
	for j, v := range src {
		dst[j] = (v-mean)*inv*gain[j] + bias[j]
	}
}
