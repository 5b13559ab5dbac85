package kernel

import "math"

// GRUGates is the pointwise part of a gated recurrent unit, for rows of c columns. in and rec have the
// blocks r, z, n in each row, [rows, 3c]; h and out are [rows, c]:
//
//	r = σ(in_r + rec_r), z = σ(in_z + rec_z)
//	n = tanh(in_n + r rec_n)
//	out = n + z (h - n)
//
// gates, unless nil, keeps r, z, n and rec_n as [rows, 4c]. out may be h itself.
func GRUGates[T Float](out, h, in, rec, gates []T, c int) {
	if len(h) == 0 {
		return
	}
	n := len(h)
	if c <= 0 || n%c != 0 || len(out) != n || len(in) < 3*n || len(rec) < 3*n || gates != nil && len(gates) < 4*n {
		bug("gates of %d, %d elements for %d of state, %d columns", len(in), len(rec), n, c)
	}
	if d, ok := narrow(out); ok {
		best.gates(d, alike(h), alike(in), alike(rec), alike(gates), c)
		return
	}
	gatesGo(out, h, in, rec, gates, c)
}

// GRUGatesBack is the derivative of GRUGates, given that of its output and what it kept:
//
//	dz = dY (h - n) z (1 - z), dn = dY (1 - z) (1 - n²), dr = dn rec_n r (1 - r)
//	dIn = [dr, dz, dn], dRec = [dr, dz, r dn], dH = z dY
//
// dH is the part that does not come through rec; it may be dY itself, or nil.
func GRUGatesBack[T Float](dIn, dRec, dH, dY, h, gates []T, c int) {
	if len(dY) == 0 {
		return
	}
	n := len(dY)
	if c <= 0 || n%c != 0 || len(h) < n || len(dIn) < 3*n || len(dRec) < 3*n || len(gates) < 4*n || dH != nil && len(dH) < n {
		bug("derivative of gates of %d elements, %d columns", n, c)
	}
	if d, ok := narrow(dIn); ok {
		best.gatesBack(d, alike(dRec), alike(dH), alike(dY), alike(h), alike(gates), c)
		return
	}
	gatesBackGo(dIn, dRec, dH, dY, h, gates, c)
}

func gatesGo[T Float](out, h, in, rec, gates []T, c int) {
	for i := range len(h) / c {
		a, b := in[3*i*c:3*(i+1)*c], rec[3*i*c:3*(i+1)*c]
		for j := range c {
			r := T(sigmoidOf(float64(a[j] + b[j])))
			z := T(sigmoidOf(float64(a[c+j] + b[c+j])))
			n := T(math.Tanh(float64(a[2*c+j] + r*b[2*c+j])))
			if gates != nil {
				g := gates[4*i*c : 4*(i+1)*c]
				g[j], g[c+j], g[2*c+j], g[3*c+j] = r, z, n, b[2*c+j]
			}
			out[i*c+j] = n + z*(h[i*c+j]-n)
		}
	}
}

func gatesBackGo[T Float](dIn, dRec, dH, dY, h, gates []T, c int) {
	for i := range len(dY) / c {
		g := gates[4*i*c : 4*(i+1)*c]
		in, hidden := dIn[3*i*c:3*(i+1)*c], dRec[3*i*c:3*(i+1)*c]
		for j := range c {
			r, z, n, dy := g[j], g[c+j], g[2*c+j], dY[i*c+j]
			dz := dy * (h[i*c+j] - n) * z * (1 - z)
			dn := dy * (1 - z) * ((1 - n) * (1 + n)) // 1 - n² rounds twice, the worse the nearer n is to one
			dr := dn * g[3*c+j] * r * (1 - r)
			in[j], in[c+j], in[2*c+j] = dr, dz, dn
			hidden[j], hidden[c+j], hidden[2*c+j] = dr, dz, dn*r
			if dH != nil {
				dH[i*c+j] = dy * z
			}
		}
	}
}
