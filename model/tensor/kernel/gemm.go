package kernel

import (
	"math"
	"unsafe"
)

// Product are the sizes and the epilogue of a matrix product.
type Product struct {
	M, N, K       int
	LDA, LDB, LDC int  // elements from row to row
	TransA        bool // A is stored [K, M]
	Add           bool // C is added to, not overwritten
	ReLU          bool // C's negative elements become zero
	After         After

	whole int // rows of the product that this is a part of
}

// After is a function of C's elements that is applied to each block of rows while it is in the nearest cache.
type After int

// The functions of After.
const (
	Nothing After = iota
	ThenSigmoid
	ThenTanh
)

// Gemm is C = A B in row-major order, A [M, K] (or its transpose), B [K, N], C [M, N]:
//
//	for i, j: s = bias[j], or C[i,j] with Add, or 0
//	          for k: s = fma(A[i,k], B[k,j], s)
//	          C[i,j] = s, or max(s, 0) with ReLU; then σ or tanh of it, if After says so
//
// bias has N elements or is nil, and goes with no Add. C overlaps neither A nor B. The sum of an element
// runs along k in order whatever the sizes are, so that a row of C depends on its row of A and on
// B alone: bit for bit, a part of a product equals that part of the whole.
func Gemm[T Float](c, a, b, bias []T, p Product) {
	check(p, c, a, b, bias)
	if p.M == 0 || p.N == 0 {
		return
	}
	if d, ok := narrow(c); ok {
		best.gemm(d, alike(a), alike(b), alike(bias), p)
		return
	}
	gemmGo(c, a, b, bias, p)
}

// Rows is the product's part of rows [from, to) of C, and where its A and C begin.
func (p Product) Rows(from, to int) (part Product, a, c int) {
	part = p
	part.M, part.whole = to-from, max(p.M, p.whole)
	if p.TransA {
		return part, from, from * p.LDC
	}
	return part, from * p.LDA, from * p.LDC
}

// Grain is how many rows of C are computed at a time: parts of a product should have several times as many.
const Grain = 14

func check[T Float](p Product, c, a, b, bias []T) {
	rows, cols := p.M, p.K
	if p.TransA {
		rows, cols = p.K, p.M
	}
	if p.M < 0 || p.N < 0 || p.K < 0 || !holds(a, rows, cols, p.LDA) || !holds(b, p.K, p.N, p.LDB) || !holds(c, p.M, p.N, p.LDC) {
		bug("product %+v of %d and %d elements into %d", p, len(a), len(b), len(c))
	}
	if bias != nil && (len(bias) < p.N || p.Add) {
		bug("product %+v with a bias of %d elements", p, len(bias))
	}
}

// holds says whether v has room for rows of cols elements that lie stride apart.
func holds[T Float](v []T, rows, cols, stride int) bool {
	return rows == 0 || cols == 0 || stride >= cols && len(v) >= (rows-1)*stride+cols
}

// deep is how far along k a product goes before it begins again at the first row: what it reads of
// A and B by then fits the second-level cache. An element's sum waits in C meanwhile, which
// changes nothing of it.
const (
	deep           = 512
	deepTransposed = 256
)

// block computes up to a fixed number of rows, as Gemm does; flags are the bits below.
type block func(a *float32, lda int, b *float32, ldb int, c *float32, ldc int, rows, n, k int, bias *float32, flags int)

const (
	flagAdd  = 1
	flagReLU = 2
	flagPast = 4 // whole panels are written past the caches; C and its rows begin on 64 bytes
)

// pastCache is from how many bytes of C on it is written past the caches: it would not stay there, and
// need not be read before it is overwritten.
const pastCache = 16 << 20

// blocked is a product in blocks of at most most rows, all of about the same height, with then, unless nil, applied
// to each of them. It says whether C was written past the caches: then a fence must follow.
func (p Product) blocked(c, a, b, bias []float32, most int, f block, then func(dst, src []float32)) (past bool) {
	step := deep
	if p.TransA {
		step = deepTransposed
	}
	blocks := (p.M + most - 1) / most
	past = then == nil && p.past(c, step)
	for k := 0; k == 0 || k < p.K; k += step {
		depth := min(step, p.K-k)
		last := k+depth == p.K
		flags := 0
		if k > 0 || p.Add {
			flags |= flagAdd
		}
		if p.ReLU && last {
			flags |= flagReLU
		}
		if past {
			flags |= flagPast
		}
		row := 0
		for i := range blocks {
			rows := p.M / blocks
			if i < p.M%blocks {
				rows++
			}
			at := row*p.LDA + k
			if p.TransA {
				at = k*p.LDA + row
			}
			f(first(a, at), p.LDA, first(b, k*p.LDB), p.LDB, first(c, row*p.LDC), p.LDC, rows, p.N, depth, first(bias, 0), flags)
			if last && then != nil {
				for r := row; r < row+rows; r++ {
					out := c[r*p.LDC : r*p.LDC+p.N]
					then(out, out)
				}
			}
			row += rows
		}
	}
	return past
}

// after is one of the functions of After, nil for Nothing.
func after[F any](a After, sigmoid, tanh F) (f F) {
	switch a {
	case ThenSigmoid:
		return sigmoid
	case ThenTanh:
		return tanh
	}
	return f
}

// past says whether C is to be written past the caches.
func (p Product) past(c []float32, step int) bool {
	return 4*max(p.M, p.whole)*p.N >= pastCache && !p.Add && p.K <= step &&
		p.LDC%16 == 0 && uintptr(unsafe.Pointer(&c[0]))%64 == 0
}

// first is the address of an element; nil where there is none.
func first(v []float32, at int) *float32 {
	if at >= len(v) {
		return nil
	}
	return &v[at]
}

// gemmGo is Gemm in Go, four steps of k at a time.
func gemmGo[T Float](c, a, b, bias []T, p Product) {
	then := after(p.After, sigmoidOf, math.Tanh)
	for i := range p.M {
		out := c[i*p.LDC : i*p.LDC+p.N]
		switch {
		case p.Add:
		case bias != nil:
			copy(out, bias)
		default:
			clear(out)
		}
		k := 0
		for ; k+4 <= p.K; k += 4 {
			a0, a1, a2, a3 := element(p, a, i, k), element(p, a, i, k+1), element(p, a, i, k+2), element(p, a, i, k+3)
			b0, b1 := b[k*p.LDB:][:len(out)], b[(k+1)*p.LDB:][:len(out)]
			b2, b3 := b[(k+2)*p.LDB:][:len(out)], b[(k+3)*p.LDB:][:len(out)]
			for j := range out {
				out[j] = out[j] + a0*b0[j] + a1*b1[j] + a2*b2[j] + a3*b3[j]
			}
		}
		for ; k < p.K; k++ {
			v, row := element(p, a, i, k), b[k*p.LDB:][:len(out)]
			for j := range out {
				out[j] += v * row[j]
			}
		}
		if p.ReLU {
			for j, v := range out {
				out[j] = max(v, 0)
			}
		}
		if then != nil {
			apply(out, out, then)
		}
	}
}

func element[T Float](p Product, a []T, i, k int) T {
	if p.TransA {
		return a[k*p.LDA+i]
	}
	return a[i*p.LDA+k]
}

// Transpose writes src [rows, cols] into dst [cols, rows]; both are dense and don't overlap.
func Transpose[T Float](dst, src []T, rows, cols int) {
	if len(dst) < rows*cols || len(src) < rows*cols {
		bug("transpose of [%d, %d] from %d into %d elements", rows, cols, len(src), len(dst))
	}
	const side = 16 // of a square that stays in the first-level cache
	for i0 := 0; i0 < rows; i0 += side {
		for j0 := 0; j0 < cols; j0 += side {
			for j := j0; j < min(j0+side, cols); j++ {
				out := dst[j*rows+i0 : j*rows+min(i0+side, rows)]
				for i := range out {
					out[i] = src[(i0+i)*cols+j]
				}
			}
		}
	}
}
