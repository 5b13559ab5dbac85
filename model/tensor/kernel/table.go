package kernel

import "fmt"

// table is one implementation of every kernel.
type table struct {
	name string

	gemm func(c, a, b, bias []float32, p Product)
	spmm func(y []float32, ptr, col []int32, val, x []float32, c int, add bool)

	// exponential family, dst and src of one length; they may be the same memory
	exp, expm1, log1p, sigmoid, tanh, softplus, compress func(dst, src []float32)
}

// generic is portable Go.
var generic = table{
	name: "go",
	gemm: gemmGo,
	spmm: spmmGo,
}

// best is what this processor runs, the last of tables.
var best = last(tables())

func last(t []table) table { return t[len(t)-1] }

// Name says which implementation this processor runs: "avx512", "avx2" or "go".
func Name() string { return best.name }

// bug reports a mistake of the caller's author, never of the data.
func bug(format string, args ...any) {
	panic("BUG: kernel: " + fmt.Sprintf(format, args...))
}
