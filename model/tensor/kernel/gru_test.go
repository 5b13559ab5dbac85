package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestGRUGates holds both directions against float64, with guards around every buffer.
func TestGRUGates(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 1))
	for _, impl := range tables() {
		for _, size := range [][2]int{{1, 1}, {3, 7}, {2, 16}, {5, 64}, {4, 33}, {1, 100}} {
			rows, c := size[0], size[1]
			m := func(cols int) matrix { return newMatrix(rng, rows, cols, 0) }
			out, h, in, rec, keep := m(c), m(c), m(3*c), m(3*c), m(4*c)
			impl.gates(out.v, h.v, in.v, rec.v, keep.v, c)
			dIn, dRec, dH, dY := m(3*c), m(3*c), m(c), m(c)
			impl.gatesBack(dIn.v, dRec.v, dH.v, dY.v, h.v, keep.v, c)
			near := func(what string, got float32, want float64) {
				if !(math.Abs(float64(got)-want) <= 2e-6*max(1, math.Abs(want))) {
					t.Fatalf("%s %v: %s is %v, expected %v", impl.name, size, what, got, want)
				}
			}
			for i := range rows {
				for j := range c {
					r, z := sigmoidOf(in.at(i, j)+rec.at(i, j)), sigmoidOf(in.at(i, c+j)+rec.at(i, c+j))
					n := math.Tanh(in.at(i, 2*c+j) + r*rec.at(i, 2*c+j))
					near("r", keep.v[4*i*c+j], r)
					near("z", keep.v[4*i*c+c+j], z)
					near("n", keep.v[4*i*c+2*c+j], n)
					near("rec_n", keep.v[4*i*c+3*c+j], rec.at(i, 2*c+j))
					near("the state", out.v[i*c+j], (1-z)*n+z*h.at(i, j))
					dy := dY.at(i, j)
					dn := dy * (1 - z) * (1 - n*n)
					dr := dn * rec.at(i, 2*c+j) * r * (1 - r)
					dz := dy * (h.at(i, j) - n) * z * (1 - z)
					near("dr", dIn.v[3*i*c+j], dr)
					near("dz", dIn.v[3*i*c+c+j], dz)
					near("dn", dIn.v[3*i*c+2*c+j], dn)
					near("dr", dRec.v[3*i*c+j], dr)
					near("dz", dRec.v[3*i*c+c+j], dz)
					near("r dn", dRec.v[3*i*c+2*c+j], dn*r)
					near("dH", dH.v[i*c+j], dy*z)
				}
			}
			for _, b := range []matrix{out, h, in, rec, keep, dIn, dRec, dH, dY} {
				if !b.intact() {
					t.Fatalf("%s %v: wrote outside", impl.name, size)
				}
			}
			kept := append([]float32(nil), out.v...)
			impl.gates(h.v, h.v, in.v, rec.v, nil, c)
			impl.gatesBack(dIn.v, dRec.v, dY.v, dY.v, h.v, keep.v, c)
			for i := range kept {
				if h.v[i] != kept[i] {
					t.Fatalf("%s %v: in place and without keeping differs", impl.name, size)
				}
				if dY.v[i] != dH.v[i] {
					t.Fatalf("%s %v: the state's derivative in place differs", impl.name, size)
				}
			}
		}
	}
}

// TestGatesAnywhere: an element becomes the same in any row and column as it does alone.
func TestGatesAnywhere(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 2))
	for _, impl := range tables() {
		for range 500 {
			rows, c := 1+rng.IntN(4), 1+rng.IntN(130)
			m := func(cols int) []float32 { return newMatrix(rng, rows, cols, 0).v }
			out, h, in, rec, keep := m(c), m(c), m(3*c), m(3*c), m(4*c)
			impl.gates(out, h, in, rec, keep, c)
			dIn, dRec, dH, dY := m(3*c), m(3*c), m(c), m(c)
			impl.gatesBack(dIn, dRec, dH, dY, h, keep, c)
			i, j := rng.IntN(rows), rng.IntN(c)
			// of is the element's part of a row of blocks.
			of := func(v []float32, blocks int) (part []float32) {
				for k := range blocks {
					part = append(part, v[(blocks*i+k)*c+j])
				}
				return part
			}
			state, kept := make([]float32, 1), make([]float32, 4)
			impl.gates(state, of(h, 1), of(in, 3), of(rec, 3), kept, 1)
			a, b, d := make([]float32, 3), make([]float32, 3), make([]float32, 1)
			impl.gatesBack(a, b, d, of(dY, 1), of(h, 1), kept, 1)
			if !sameBits(state, of(out, 1)) || !sameBits(kept, of(keep, 4)) {
				t.Fatalf("%s [%d, %d]: element [%d, %d] differs alone", impl.name, rows, c, i, j)
			}
			if !sameBits(a, of(dIn, 3)) || !sameBits(b, of(dRec, 3)) || !sameBits(d, of(dH, 1)) {
				t.Fatalf("%s [%d, %d]: the derivative of [%d, %d] differs alone", impl.name, rows, c, i, j)
			}
		}
	}
}

func BenchmarkGRUGates(b *testing.B) {
	for _, rows := range []int{200, 1000, 5000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			const c = 64
			rng := rand.New(rand.NewPCG(1, 2))
			in, rec, h := newMatrix(rng, rows, 3*c, 0), newMatrix(rng, rows, 3*c, 0), newMatrix(rng, rows, c, 0)
			out := make([]float32, rows*c)
			for b.Loop() {
				best.gates(out, h.v, in.v, rec.v, nil, c)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows*c), "ns/element")
		})
	}
}
