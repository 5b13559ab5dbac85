package kernel

// SpMM is the product of a sparse matrix with a dense one, for the rows of the sparse matrix that
// ptr speaks of: the entries of row i are ptr[i] to ptr[i+1].
//
//	for i, j: s = Y[i,j] with add, or 0
//	          for e of row i, in order: s = fma(val[e], X[col[e],j], s)
//	          Y[i,j] = s
//
// X has rows of c elements, as Y has; they don't overlap. A row of Y depends on its entries alone. The product with
// the transpose is the same kernel on the transposed matrix: rows are gathered, never scattered, so that
// parts can be computed side by side.
func SpMM[T Float](y []T, ptr, col []int32, val, x []T, c int, add bool) {
	rows := len(ptr) - 1
	if rows <= 0 || c == 0 {
		return
	}
	if len(y) < rows*c || len(col) < int(ptr[rows]) || len(val) < int(ptr[rows]) {
		bug("sparse product of %d rows, %d entries into %d elements, %d columns", rows, len(col), len(y), c)
	}
	for _, j := range col[ptr[0]:ptr[rows]] {
		if j < 0 || (int(j)+1)*c > len(x) {
			bug("sparse product: column %d of %d rows", j, len(x)/c)
		}
	}
	if d, ok := narrow(y); ok {
		best.spmm(d, ptr, col, alike(val), alike(x), c, add)
		return
	}
	spmmGo(y, ptr, col, val, x, c, add)
}

func spmmGo[T Float](y []T, ptr, col []int32, val, x []T, c int, add bool) {
	for i := range len(ptr) - 1 {
		out := y[i*c : (i+1)*c]
		if !add {
			clear(out)
		}
		for e := ptr[i]; e < ptr[i+1]; e++ {
			w, row := val[e], x[int(col[e])*c:][:len(out)]
			for j := range out {
				out[j] += w * row[j]
			}
		}
	}
}
