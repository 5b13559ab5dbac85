package kernel

import "math"

// The functions below work element by element; dst and src have one length and may be the same
// memory. Their error is at most 1e-6 of the value over all of float32, where that is denormal at most two
// of its smallest steps. Infinities give the limits, NaN gives NaN, and
// what is zero at zero keeps its sign. An element's result depends on that element alone, not on its place.

// Exp is dst[i] = exp(src[i]).
func Exp[T Float](dst, src []T) { exponential("exp", best.exp, math.Exp, dst, src) }

// Expm1 is dst[i] = exp(src[i]) - 1, exact also where that is small.
func Expm1[T Float](dst, src []T) { exponential("expm1", best.expm1, math.Expm1, dst, src) }

// Log1p is dst[i] = log(1 + src[i]): minus infinity at -1, NaN below.
func Log1p[T Float](dst, src []T) { exponential("log1p", best.log1p, math.Log1p, dst, src) }

// Sigmoid is dst[i] = 1 / (1 + exp(-src[i])).
func Sigmoid[T Float](dst, src []T) { exponential("sigmoid", best.sigmoid, sigmoidOf, dst, src) }

// Tanh is dst[i] = tanh(src[i]).
func Tanh[T Float](dst, src []T) { exponential("tanh", best.tanh, math.Tanh, dst, src) }

// Softplus is dst[i] = log(1 + exp(src[i])).
func Softplus[T Float](dst, src []T) { exponential("softplus", best.softplus, softplusOf, dst, src) }

// Compress leaves what lies within ±2 and bends the rest along a logarithm:
//
//	dst[i] = src[i], or sign(src[i]) (2 + log(1 + |src[i]| - 2)) beyond ±2
func Compress[T Float](dst, src []T) { exponential("compress", best.compress, compressOf, dst, src) }

// exponential runs a function of the family.
func exponential[T Float](name string, fast func(dst, src []float32), f func(float64) float64, dst, src []T) {
	same(name, dst, src)
	if d, ok := narrow(dst); ok {
		fast(d, alike(src))
		return
	}
	apply(dst, src, f)
}

// apply is the portable form of a function.
func apply[T Float](dst, src []T, f func(float64) float64) {
	for i, v := range src {
		dst[i] = T(f(float64(v)))
	}
}

// applying is apply of a function.
func applying(f func(float64) float64) func(dst, src []float32) {
	return func(dst, src []float32) { apply(dst, src, f) }
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
