package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestReduce(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 6))
			for n := range longest + 1 {
				a, b := vectorAt(rng, n, rng.IntN(17)), vectorAt(rng, n, rng.IntN(17))
				var sum, squares, dot, size float64
				for i, v := range a.v {
					x, y := float64(v), float64(b.v[i])
					sum, squares, dot = sum+x, squares+x*x, dot+x*y
					size += math.Abs(x) + x*x + math.Abs(x*y)
				}
				expect := func(name string, got, want float64) {
					if !(math.Abs(got-want) <= 1e-14*size) {
						t.Fatalf("n=%d: %s is %v, expected %v", n, name, got, want)
					}
				}
				expect("sum", impl.sum(a.v), sum)
				expect("sum of squares", impl.sumSquares(a.v), squares)
				expect("inner product", impl.dot(a.v, b.v), dot)
				expect("inner product with itself", impl.dot(a.v, a.v), squares)
			}
		})
	}
}

// TestReduceOfNaN: one NaN anywhere makes the result NaN.
func TestReduceOfNaN(t *testing.T) {
	for _, impl := range tables() {
		for _, n := range []int{1, 7, 16, 33, 70} {
			for i := range n {
				a, b := make([]float32, n), make([]float32, n)
				a[i] = float32(math.NaN())
				for name, v := range map[string]float64{"sum": impl.sum(a), "squares": impl.sumSquares(a), "dot": impl.dot(a, b), "dot of b": impl.dot(b, a)} {
					if v == v {
						t.Fatalf("%s: %s of %d elements with a NaN at %d is %v", impl.name, name, n, i, v)
					}
				}
			}
		}
	}
}

func TestColSum(t *testing.T) {
	for _, impl := range tables() {
		t.Run(impl.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 6))
			for cols := 1; cols <= longest; cols++ {
				for _, rows := range []int{0, 1, 2, rng.IntN(63) + 1, 63, 64, 65, 128, 64 + rng.IntN(200)} {
					checkColSum(t, impl, rng, rows, cols)
				}
			}
		})
	}
}

func checkColSum(t *testing.T, impl table, rng *rand.Rand, rows, cols int) {
	dst, src := vectorAt(rng, cols, rng.IntN(17)), vectorAt(rng, rows*cols, rng.IntN(17))
	odd := -1
	if rows > 0 && rng.IntN(4) == 0 {
		odd = rng.IntN(rows * cols)
		src.v[odd] = float32(math.NaN())
	}
	before := slices.Clone(dst.v)
	impl.colSum(dst.v, src.v)
	for c, got := range dst.v {
		sum, size := 0.0, 0.0
		for i := c; i < len(src.v); i += cols {
			sum += float64(src.v[i])
			size += math.Abs(float64(src.v[i]))
		}
		want := float64(before[c]) + sum
		if odd >= 0 && odd%cols == c {
			if got == got {
				t.Fatalf("[%d, %d]: a NaN in column %d was lost", rows, cols, c)
			}
			continue
		}
		if !(math.Abs(float64(got)-want) <= 63*0x1p-24*size+0x1p-24*math.Abs(want)+1e-12) {
			t.Fatalf("[%d, %d]: column %d is %v, expected %v", rows, cols, c, got, want)
		}
	}
	if !dst.intact() || !src.intact() {
		t.Fatalf("[%d, %d]: wrote outside of its slices", rows, cols)
	}
}

// TestColSumOfColumns: a column's sum does not depend on the columns beside it.
func TestColSumOfColumns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 6))
	const rows, cols = 150, 117
	src := vectorAt(rng, rows*cols, 0).v
	for _, impl := range tables() {
		whole := make([]float32, cols)
		impl.colSum(whole, src)
		for c := range cols {
			column, sum := make([]float32, rows), make([]float32, 1)
			for r := range rows {
				column[r] = src[r*cols+c]
			}
			if impl.colSum(sum, column); sum[0] != whole[c] {
				t.Fatalf("%s: column %d alone is %v, among others %v", impl.name, c, sum[0], whole[c])
			}
		}
	}
}
