package generated

import "math"

// The functions here stand in for those of package math, whose results differ in
// the last bit between platforms (assembly on some, fused operations on others).

const (
	ln2High = 6.93147180369123816490e-01 // upper bits of ln 2: k*ln2High is exact
	ln2Low  = 1.90821492927058770002e-10
)

// inverseFactorials are 1/13!, 1/12!, … 1/0!.
var inverseFactorials = [...]float64{
	1.0 / 6227020800,
	1.0 / 479001600,
	1.0 / 39916800,
	1.0 / 3628800,
	1.0 / 362880,
	1.0 / 40320,
	1.0 / 5040,
	1.0 / 720,
	1.0 / 120,
	1.0 / 24,
	1.0 / 6,
	1.0 / 2,
	1.0 / 1,
	1.0 / 1,
}

// exp returns e to the power of x, x clamped to [-700, 700].
func exp(x float64) float64 {
	x = min(max(x, -700), 700)
	k := math.Floor(float64(x/math.Ln2) + 0.5)
	r := x - float64(k*ln2High) - float64(k*ln2Low)
	p := inverseFactorials[0]
	for _, c := range inverseFactorials[1:] {
		p = float64(p*r) + c
	}
	return float64(p * math.Float64frombits(uint64(1023+int64(k))<<52))
}

// ln returns the natural logarithm of x, which must be positive and normal.
func ln(x float64) float64 {
	bits := math.Float64bits(x)
	e := float64(int64(bits>>52&0x7ff) - 1022)
	m := math.Float64frombits(bits&^(0x7ff<<52) | 1022<<52) // in [0.5, 1)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	s := (m - 1) / (m + 1)
	q := s * s
	sum := 0.0
	for n := 21.0; n >= 1; n -= 2 {
		sum = float64(sum*q) + 1/n
	}
	return float64(e*ln2High) + (float64(2*s*sum) + float64(e*ln2Low))
}

// pow returns x to the power of y for x ≥ 0.
func pow(x, y float64) float64 {
	if x <= 0 {
		return 0
	}
	return exp(y * ln(x))
}

// normalTail returns the share of a standard normal distribution above z, with
// an error below 1e-7 of itself (Chebyshev fit of erfc, Numerical Recipes 6.2).
func normalTail(z float64) float64 {
	a := math.Abs(z) / math.Sqrt2
	t := 1 / (1 + float64(0.5*a))
	p := 0.17087277
	for _, c := range [...]float64{-0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223} {
		p = float64(p*t) + c
	}
	tail := float64(0.5 * t * exp(p-float64(a*a)))
	if z < 0 {
		return 1 - tail
	}
	return tail
}

// lerp returns the point between a and b at share t.
func lerp(a, b, t float64) float64 { return a + float64((b-a)*t) }

// dot2 returns a*b + c*d, each product rounded.
func dot2(a, b, c, d float64) float64 { return float64(a*b) + float64(c*d) }
