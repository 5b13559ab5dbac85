package kernel

import "math"

// AdamStep are the factors of one step of Adam. Weight decay is Decay (in the gradient) or
// Keep (of the weight itself, 1 - rate·decay); without either they are 0 and 1.
type AdamStep struct {
	Scale        float32 // of the gradient: clipping, batch size
	Decay        float32
	Keep         float32
	Beta1, Beta2 float32
	Rate         float32 // the learning rate over 1 - Beta1^t
	Root         float32 // √(1 - Beta2^t)
	Epsilon      float32
}

// Adam is one step over weights w, gradients g and moments m and v, in one pass; it leaves the
// gradients zero:
//
//	for i: d = g[i]*Scale + Decay*w[i]
//	       m[i] = Beta1*m[i] + (1-Beta1)*d
//	       v[i] = Beta2*v[i] + (1-Beta2)*d*d
//	       w[i] = Keep*w[i] - Rate*m[i] / (√v[i]/Root + Epsilon)
//	       g[i] = 0
//
// The four slices are of one length and don't overlap. What an element becomes does not depend on
// where it lies.
func Adam[T Float](w, g, m, v []T, s AdamStep) {
	same("adam", w, g)
	same("adam", w, m)
	same("adam", w, v)
	if d, ok := narrow(w); ok {
		best.adam(d, alike(g), alike(m), alike(v), s)
		return
	}
	adamGo(w, g, m, v, s)
}

func adamGo[T Float](w, g, m, v []T, s AdamStep) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	rest1, rest2, root := 1-s.Beta1, 1-s.Beta2, 1/s.Root
	for i, x := range w {
		d := g[i]*T(s.Scale) + T(s.Decay)*x
		m1 := T(s.Beta1)*m[i] + T(rest1)*d
		v1 := T(s.Beta2)*v[i] + T(rest2)*d*d
		w[i] = T(s.Keep)*x - T(s.Rate)*m1/(T(math.Sqrt(float64(v1)))*T(root)+T(s.Epsilon))
		m[i], v[i], g[i] = m1, v1, 0
	}
}
