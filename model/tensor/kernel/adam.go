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
func Adam(w, g, m, v []float32, s AdamStep) {
	same("adam", w, g)
	same("adam", w, m)
	same("adam", w, v)
	best.adam(w, g, m, v, s)
}

func adamGo(w, g, m, v []float32, s AdamStep) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	rest1, rest2, root := 1-s.Beta1, 1-s.Beta2, 1/s.Root
	for i, x := range w {
		d := g[i]*s.Scale + s.Decay*x
		m1 := s.Beta1*m[i] + rest1*d
		v1 := s.Beta2*v[i] + rest2*d*d
		w[i] = s.Keep*x - s.Rate*m1/(float32(math.Sqrt(float64(v1)))*root+s.Epsilon)
		m[i], v[i], g[i] = m1, v1, 0
	}
}
