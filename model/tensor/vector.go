package tensor

import (
	"math"

	"presage/model/tensor/kernel"
)

// The functions below work on whole slices: by the kernels in float32, by plain loops in float64,
// which is for tests.

// narrow gives the slices as float32, if that is what T is.
func narrow[T Float](v []T) ([]float32, bool) {
	f, ok := any(v).([]float32)
	return f, ok
}

func wide[T Float](v []T) []float32 { return any(v).([]float32) }

// axpy is dst += s src.
func axpy[T Float](dst, src []T, s T) {
	if d, ok := narrow(dst); ok {
		kernel.Axpy(d, wide(src)[:len(d)], float32(s))
		return
	}
	for i := range dst {
		dst[i] += s * src[i]
	}
}

// scaled is dst = s src.
func scaled[T Float](dst, src []T, s T) {
	if d, ok := narrow(dst); ok {
		kernel.Scale(d, wide(src)[:len(d)], float32(s))
		return
	}
	for i := range dst {
		dst[i] = s * src[i]
	}
}

// plus is dst = a + b.
func plus[T Float](dst, a, b []T) {
	if d, ok := narrow(dst); ok {
		kernel.Add(d, wide(a), wide(b))
		return
	}
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// minus is dst = a - b.
func minus[T Float](dst, a, b []T) {
	if d, ok := narrow(dst); ok {
		kernel.Sub(d, wide(a), wide(b))
		return
	}
	for i := range dst {
		dst[i] = a[i] - b[i]
	}
}

// times is dst = a b, element by element.
func times[T Float](dst, a, b []T) {
	if d, ok := narrow(dst); ok {
		kernel.Mul(d, wide(a), wide(b))
		return
	}
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

// timesAdd is dst += a b, element by element.
func timesAdd[T Float](dst, a, b []T) {
	if d, ok := narrow(dst); ok {
		kernel.MulAdd(d, wide(a), wide(b))
		return
	}
	for i := range dst {
		dst[i] += a[i] * b[i]
	}
}

// rectify is dst = max(src, 0).
func rectify[T Float](dst, src []T) {
	if d, ok := narrow(dst); ok {
		kernel.ReLU(d, wide(src))
		return
	}
	for i, v := range src {
		dst[i] = max(v, 0)
	}
}

// rectified is dst = g where y is positive, 0 elsewhere.
func rectified[T Float](dst, y, g []T) {
	if d, ok := narrow(dst); ok {
		kernel.ReLUMask(d, wide(y), wide(g))
		return
	}
	for i, v := range y {
		dst[i] = 0
		if v > 0 {
			dst[i] = g[i]
		}
	}
}

// columnSums adds the sums of src's columns to dst.
func columnSums[T Float](dst, src []T) {
	if d, ok := narrow(dst); ok {
		kernel.ColSum(d, wide(src))
		return
	}
	for i, v := range src {
		dst[i%len(dst)] += v
	}
}

// transposed writes src [rows, cols] into dst [cols, rows].
func transposed[T Float](dst, src []T, rows, cols int) {
	if d, ok := narrow(dst); ok {
		kernel.Transpose(d, wide(src), rows, cols)
		return
	}
	for i := range rows {
		for j := range cols {
			dst[j*rows+i] = src[i*cols+j]
		}
	}
}

// multiply is kernel.Gemm.
func multiply[T Float](c, a, b, bias []T, p kernel.Product) {
	if narrowC, ok := narrow(c); ok {
		kernel.Gemm(narrowC, wide(a), wide(b), wide(bias), p)
		return
	}
	for i := range p.M {
		for j := range p.N {
			var s T
			switch {
			case p.Add:
				s = c[i*p.LDC+j]
			case bias != nil:
				s = bias[j]
			}
			for k := range p.K {
				if p.TransA {
					s += a[k*p.LDA+i] * b[k*p.LDB+j]
				} else {
					s += a[i*p.LDA+k] * b[k*p.LDB+j]
				}
			}
			if p.ReLU {
				s = max(s, 0)
			}
			c[i*p.LDC+j] = s
		}
	}
}

// mix is kernel.SpMM.
func mix[T Float](y []T, ptr, col []int32, val, x []T, c int, add bool) {
	if narrowY, ok := narrow(y); ok {
		kernel.SpMM(narrowY, ptr, col, wide(val), wide(x), c, add)
		return
	}
	for i := range len(ptr) - 1 {
		out := y[i*c : (i+1)*c]
		if !add {
			clear(out)
		}
		for e := ptr[i]; e < ptr[i+1]; e++ {
			for j, v := range x[int(col[e])*c : (int(col[e])+1)*c] {
				out[j] += val[e] * v
			}
		}
	}
}

// The exponential family.

func sigmoids[T Float](dst, src []T) {
	if d, ok := narrow(dst); ok {
		kernel.Sigmoid(d, wide(src))
		return
	}
	for i, v := range src {
		dst[i] = sigmoid(v)
	}
}

func tanhs[T Float](dst, src []T) {
	if d, ok := narrow(dst); ok {
		kernel.Tanh(d, wide(src))
		return
	}
	for i, v := range src {
		dst[i] = tanh(v)
	}
}

func softpluses[T Float](dst, src []T) {
	if d, ok := narrow(dst); ok {
		kernel.Softplus(d, wide(src))
		return
	}
	for i, v := range src {
		dst[i] = softplus(v)
	}
}

func sigmoid[T Float](v T) T { return T(1 / (1 + math.Exp(-float64(v)))) }

func tanh[T Float](v T) T { return T(math.Tanh(float64(v))) }

// softplus is written so that neither side overflows.
func softplus[T Float](v T) T {
	x := float64(v)
	return T(max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))))
}

// gates is kernel.GRUGates; keep may be nil.
func gates[T Float](out, h, in, rec, keep []T, c int) {
	if d, ok := narrow(out); ok {
		kernel.GRUGates(d, wide(h), wide(in), wide(rec), wide(keep), c)
		return
	}
	for i := range len(h) / c {
		a, b := in[3*i*c:3*(i+1)*c], rec[3*i*c:3*(i+1)*c]
		for j := range c {
			r, z := sigmoid(a[j]+b[j]), sigmoid(a[c+j]+b[c+j])
			n := tanh(a[2*c+j] + r*b[2*c+j])
			if keep != nil {
				g := keep[4*i*c : 4*(i+1)*c]
				g[j], g[c+j], g[2*c+j], g[3*c+j] = r, z, n, b[2*c+j]
			}
			out[i*c+j] = n + z*(h[i*c+j]-n)
		}
	}
}

// gatesBack is kernel.GRUGatesBack.
func gatesBack[T Float](dIn, dRec, dH, dY, h, keep []T, c int) {
	if d, ok := narrow(dIn); ok {
		kernel.GRUGatesBack(d, wide(dRec), wide(dH), wide(dY), wide(h), wide(keep), c)
		return
	}
	for i := range len(dY) / c {
		g := keep[4*i*c : 4*(i+1)*c]
		in, hidden := dIn[3*i*c:3*(i+1)*c], dRec[3*i*c:3*(i+1)*c]
		for j := range c {
			r, z, n, dy := g[j], g[c+j], g[2*c+j], dY[i*c+j]
			dz := dy * (h[i*c+j] - n) * z * (1 - z)
			dn := dy * (1 - z) * (1 - n*n)
			dr := dn * g[3*c+j] * r * (1 - r)
			in[j], in[c+j], in[2*c+j] = dr, dz, dn
			hidden[j], hidden[c+j], hidden[2*c+j] = dr, dz, dn*r
			if dH != nil {
				dH[i*c+j] = dy * z
			}
		}
	}
}
