package kernel

import "math"

// The functions below work element by element; dst and src have one length and may be the same
// memory. Their error is at most 1e-6 of the value over all of float32, where that is denormal at most two
// of its smallest steps. Infinities give the limits, NaN gives NaN, and
// what is zero at zero keeps its sign. An element's result depends on that element alone, not on its place.

// Exp is dst[i] = exp(src[i]).
func Exp(dst, src []float32) { one("exp", best.exp, dst, src) }

// Expm1 is dst[i] = exp(src[i]) - 1, exact also where that is small.
func Expm1(dst, src []float32) { one("expm1", best.expm1, dst, src) }

// Log1p is dst[i] = log(1 + src[i]): minus infinity at -1, NaN below.
func Log1p(dst, src []float32) { one("log1p", best.log1p, dst, src) }

// Sigmoid is dst[i] = 1 / (1 + exp(-src[i])).
func Sigmoid(dst, src []float32) { one("sigmoid", best.sigmoid, dst, src) }

// Tanh is dst[i] = tanh(src[i]).
func Tanh(dst, src []float32) { one("tanh", best.tanh, dst, src) }

// Softplus is dst[i] = log(1 + exp(src[i])).
func Softplus(dst, src []float32) { one("softplus", best.softplus, dst, src) }

// Compress leaves what lies within ±2 and bends the rest along a logarithm:
//
//	dst[i] = src[i], or sign(src[i]) (2 + log(1 + |src[i]| - 2)) beyond ±2
func Compress(dst, src []float32) { one("compress", best.compress, dst, src) }

// one checks lengths.
func one(name string, f func(dst, src []float32), dst, src []float32) {
	if len(dst) != len(src) {
		bug("%s of %d elements into %d", name, len(src), len(dst))
	}
	if len(dst) > 0 {
		f(dst, src)
	}
}

// each makes the portable form of a function.
func each(f func(float64) float64) func(dst, src []float32) {
	return func(dst, src []float32) {
		for i, v := range src {
			dst[i] = float32(f(float64(v)))
		}
	}
}

func sigmoidOf(x float64) float64 {
	e := math.Exp(-math.Abs(x))
	if x < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

func softplusOf(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func compressOf(x float64) float64 {
	if beyond := math.Abs(x) - 2; beyond > 0 {
		return math.Copysign(2+math.Log1p(beyond), x)
	}
	return x
}
