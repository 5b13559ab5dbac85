package main

import (
	"math"

	"github.com/mmcloughlin/avo/reg"
)

func exponential() {
	c := newConstants("exponentialNumbers")
	for _, s := range sets {
		v := s.newVector(c)
		v.unary("exp", v.exp)
		v.unary("expm1", v.expm1)
		v.unary("log1p", v.log1p)
		v.unary("sigmoid", v.sigmoid)
		v.unary("tanh", v.tanh)
		v.unary("softplus", v.softplus)
		v.unary("compress", v.compress)
	}
}

const (
	ln2High = 0.693359375 // exact in few bits, so that n ln2High is exact
	ln2Low  = math.Ln2 - ln2High
)

// reduced splits x, which lies within the exponent's range, into n ln 2 + r with |r| at most ln 2 / 2, and
// gives n and exp(r) - 1. Its polynomial is r + r² q(r); q is the best of degree 4 for the relative error, which is
// 1.4e-8 at most (least squares at Chebyshev's points, weighted again until the error is level).
func (v *vector) reduced(x reg.VecVirtual) (n, em reg.VecVirtual) {
	n = v.round(v.mul(x, v.num(math.Log2E)))
	r := v.fnma(n, v.num(ln2High), x)
	low := float64(ln2Low)
	return n, v.em1(v.fnma(n, v.num(float32(low)), r))
}

// roughly is reduced with ln 2 in one part: where n is 150 its error adds 3e-7 to the exponential's.
func (v *vector) roughly(x reg.VecVirtual) (n, em reg.VecVirtual) {
	n = v.round(v.mul(x, v.num(math.Log2E)))
	return n, v.em1(v.fnma(n, v.num(math.Ln2), x))
}

// em1 is exp(r) - 1 for |r| up to ln 2 / 2.
func (v *vector) em1(r reg.VecVirtual) reg.VecVirtual {
	q := v.horner(r, 0.499999980412, 0.166665386739, 0.0416672214871, 0.00836718167006, 0.0013882380999)
	return v.fma(q, v.mul(r, r), r)
}

// expWithin is 2ⁿ (1 + em).
func (v *vector) expWithin(n, em reg.VecVirtual) reg.VecVirtual {
	return v.shiftedUp(v.add(em, v.num(1)), n)
}

// exp saturates beyond what float32 holds: exp(88.9) is infinite and exp(-104.5) zero.
func (v *vector) exp(x reg.VecVirtual) reg.VecVirtual {
	return v.expWithin(v.reduced(v.least(v.most(x, v.num(88.9)), v.num(-104.5))))
}

// expm1Within is 2ⁿ (1 + em) - 1 for n from -29 to 128: 2ⁿ em + (2ⁿ - 1), by half of it, so that 2ⁿ
// stays finite as long as the result does.
func (v *vector) expm1Within(n, em reg.VecVirtual) reg.VecVirtual {
	half := v.shiftedUp(v.load1(v.num(0.5)), n)
	y := v.fma(half, em, v.sub(half, v.num(0.5)))
	return v.add(y, y)
}

// expm1 has the sign of x throughout; taking it from there keeps that of zero.
func (v *vector) expm1(x reg.VecVirtual) reg.VecVirtual {
	return v.signed(v.expm1Within(v.reduced(v.least(v.most(x, v.num(88.9)), v.num(-20)))), x)
}

// sigmoid is e/(1+e) on the left and 1/(1+e) on the right, with e = exp(-|x|).
func (v *vector) sigmoid(x reg.VecVirtual) reg.VecVirtual {
	e := v.expWithin(v.roughly(v.least(v.negated(x), v.num(-104.5))))
	one := v.load1(v.num(1))
	return v.div(v.choose(less, x, v.num(0), e, one), v.add(e, one))
}

// tanh of |x| is -m/(2+m) with m = exp(-2|x|) - 1.
func (v *vector) tanh(x reg.VecVirtual) reg.VecVirtual {
	a := v.negated(x)
	m := v.expm1Within(v.roughly(v.least(v.add(a, a), v.num(-20))))
	y := v.div(m, v.add(m, v.num(2)))
	return v.signed(v.abs(y), x)
}

// log1pFrom is log(1+x) for x above -1 and below infinity. 1+x is 2ᵏ (1+f) with 1+f from √½ to √2;
// f = x 2⁻ᵏ + (2⁻ᵏ - 1) loses nothing where k is zero. log(1+f) is f + f² R(f); R is the best of degree 7
// for the relative error, which is 3e-8 at most (made as the exponential's).
func (v *vector) log1pFrom(x reg.VecVirtual) reg.VecVirtual {
	k := v.exponent(v.add(x, v.num(1)))
	scale := v.shiftedUp(v.load1(v.num(1)), v.sub(v.load1(v.num(0)), k))
	f := v.fma(x, scale, v.sub(scale, v.num(1)))
	r := v.horner(f, -0.49999991339, 0.333339577253, -0.250017930967, 0.199617665327, -0.165692759076, 0.149202128374, -0.143183773868, 0.087422105435)
	log := v.fma(r, v.mul(f, f), f)
	low := float64(ln2Low)
	log = v.fma(k, v.load1(v.num(float32(low))), log)
	return v.fma(k, v.load1(v.num(ln2High)), log)
}

// log1p has the sign of x, as expm1.
func (v *vector) log1p(x reg.VecVirtual) reg.VecVirtual {
	y := v.signed(v.infinite(x, v.log1pFrom(x)), x)
	y = v.choose(equal, x, v.num(-1), v.load1(v.num(float32(math.Inf(-1)))), y)
	return v.choose(less, x, v.num(-1), v.load1(v.num(float32(math.NaN()))), y)
}

// infinite is x where that is infinity, else y.
func (v *vector) infinite(x, y reg.VecVirtual) reg.VecVirtual {
	return v.choose(equal, x, v.num(float32(math.Inf(1))), x, y)
}

// softplus is max(x, 0) + log1p(exp(-|x|)).
func (v *vector) softplus(x reg.VecVirtual) reg.VecVirtual {
	e := v.expWithin(v.reduced(v.least(v.negated(x), v.num(-104.5))))
	return v.add(v.log1pFrom(e), v.least(x, v.num(0)))
}

// compress is x up to 2 and 2 + log1p(|x| - 2) beyond, with x's sign.
func (v *vector) compress(x reg.VecVirtual) reg.VecVirtual {
	beyond := v.sub(v.abs(x), v.num(2))
	log := v.infinite(beyond, v.log1pFrom(v.least(beyond, v.num(0))))
	y := v.signed(v.add(log, v.num(2)), x)
	return v.choose(greater, beyond, v.num(0), y, x)
}
