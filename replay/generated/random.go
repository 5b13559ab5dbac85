package generated

import (
	"math"
	"math/rand/v2"
)

// Rand draws the numbers of one stream. It is a value: a copy continues the stream
// from where the original stood.
type Rand struct {
	pcg   rand.PCG
	spare float64 // the second normal of a pair
	has   bool
}

// NewRand starts stream number stream of a seed. Streams of a seed are independent.
func NewRand(seed, stream uint64) Rand {
	r := Rand{pcg: *rand.NewPCG(seed, stream*0x9e3779b97f4a7c15+1)}
	for range 4 {
		r.pcg.Uint64()
	}
	return r
}

// bits returns 64 random bits.
func (r *Rand) bits() uint64 { return r.pcg.Uint64() }

// unit returns a number in (0, 1), never 0 or 1.
func (r *Rand) unit() float64 { return (float64(r.pcg.Uint64()>>12) + 0.5) / (1 << 52) }

// between returns a number in (a, b).
func (r *Rand) between(a, b float64) float64 { return lerp(a, b, r.unit()) }

// below returns an integer in [0, n).
func (r *Rand) below(n int) int {
	if n <= 1 {
		return 0
	}
	return int(r.unit() * float64(n))
}

// chance is true with probability p.
func (r *Rand) chance(p float64) bool { return p > 0 && r.unit() < p }

// normal returns a standard normal number (Marsaglia's polar method).
func (r *Rand) normal() float64 {
	if r.has {
		r.has = false
		return r.spare
	}
	for {
		u, v := float64(2*r.unit())-1, float64(2*r.unit())-1
		s := dot2(u, u, v, v)
		if s >= 1 || s == 0 {
			continue
		}
		f := math.Sqrt(-2 * ln(s) / s)
		r.spare, r.has = v*f, true
		return u * f
	}
}

// exponential returns an exponential number of mean 1.
func (r *Rand) exponential() float64 { return -ln(r.unit()) }

// logNormal returns a log-normal number of mean 1 whose logarithm has deviation
// sigma.
func (r *Rand) logNormal(sigma float64) float64 {
	return exp(float64(sigma*r.normal()) - float64(sigma*sigma/2))
}

// poisson returns a Poisson number: exact below a mean of 40, a rounded normal
// above (where the two differ by less than their own noise).
func (r *Rand) poisson(mean float64) int {
	switch {
	case mean <= 0:
		return 0
	case mean < 40:
		limit, p, n := exp(-mean), r.unit(), 0
		for p > limit {
			p *= r.unit()
			n++
		}
		return n
	default:
		return int(max(0, math.Floor(mean+float64(math.Sqrt(mean)*r.normal())+0.5)))
	}
}

// pick returns an index with probability in proportion to weights, or -1 if all
// are zero.
func (r *Rand) pick(weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	if sum <= 0 {
		return -1
	}
	u := r.unit() * sum
	last := -1
	for i, w := range weights {
		if w <= 0 {
			continue
		}
		last = i
		if u < w {
			return i
		}
		u -= w
	}
	return last
}

// ornstein moves a log-scale Ornstein–Uhlenbeck value of mean zero over a step of
// decay exp(-dt/tau), keeping its stationary deviation.
func (r *Rand) ornstein(x, decay, deviation float64) float64 {
	return float64(x*decay) + float64(deviation*math.Sqrt(1-float64(decay*decay))*r.normal())
}
