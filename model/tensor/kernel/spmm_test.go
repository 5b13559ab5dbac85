package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// sparse is a random matrix in CSR, with empty rows.
func sparse(rng *rand.Rand, rows, cols, most int) (ptr, col []int32, val []float32) {
	ptr = []int32{0}
	for range rows {
		if cols > 0 && rng.IntN(4) > 0 {
			for range rng.IntN(most + 1) {
				col, val = append(col, int32(rng.IntN(cols))), append(val, float32(rng.NormFloat64()))
			}
		}
		ptr = append(ptr, int32(len(col)))
	}
	return ptr, col, val
}

func TestSpMM(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				rows, cols := rapid.IntRange(1, 30).Draw(t, "rows"), rapid.IntRange(0, 30).Draw(t, "cols")
				c, add := rapid.IntRange(1, 150).Draw(t, "c"), rapid.Bool().Draw(t, "add")
				rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
				ptr, col, val := sparse(rng, rows, cols, 8)
				x, y := newMatrix(rng, cols, c, 0), newMatrix(rng, rows, c, 0)
				before := slices.Clone(y.v)
				impl.spmm(y.v, ptr, col, val, x.v, c, add)
				for i := range rows {
					for j := range c {
						sum, size := 0.0, 1.0
						if add {
							sum = float64(before[i*c+j])
						}
						for e := ptr[i]; e < ptr[i+1]; e++ {
							v := float64(val[e]) * x.at(int(col[e]), j)
							sum, size = sum+v, size+math.Abs(v)
						}
						if d := math.Abs(y.at(i, j) - sum); !(d <= 1e-6*size) {
							t.Fatalf("element [%d, %d] is %v, expected %v", i, j, y.at(i, j), sum)
						}
					}
				}
				if !x.intact() || !y.intact() {
					t.Fatal("wrote outside of its matrices")
				}
				// A part of the rows, on the rest of ptr, is the same part of the whole.
				from := rows / 2
				if !add {
					part := make([]float32, (rows-from)*c)
					impl.spmm(part, ptr[from:], col, val, x.v, c, false)
					if !slices.Equal(part, y.v[from*c:]) {
						t.Fatal("a part differs from the whole")
					}
				}
			})
		})
	}
}

func BenchmarkSpMM(b *testing.B) {
	for _, impl := range tables()[len(tables())-1:] {
		for _, n := range []int{200, 1000, 5000} {
			for _, c := range []int{10, 64} {
				b.Run(fmt.Sprintf("%s/services=%d/c=%d", impl.name, n, c), func(b *testing.B) {
					rng := rand.New(rand.NewPCG(1, 2))
					var ptr, col []int32
					ptr = append(ptr, 0)
					for range n {
						for range 6 {
							col = append(col, int32(rng.IntN(n)))
						}
						ptr = append(ptr, int32(len(col)))
					}
					val := make([]float32, len(col))
					x, y := newMatrix(rng, n, c, 0), newMatrix(rng, n, c, 0)
					for b.Loop() {
						impl.spmm(y.v, ptr, col, val, x.v, c, false)
					}
				})
			}
		}
	}
}
