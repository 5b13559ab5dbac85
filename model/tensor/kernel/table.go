package kernel

import (
	"fmt"
	"math"
)

// table is one implementation of every kernel.
type table struct {
	name string

	gemm func(c, a, b, bias []float32, p Product)
	spmm func(y []float32, ptr, col []int32, val, x []float32, c int, add bool)

	gates     func(out, h, in, rec, gates []float32, c int)
	gatesBack func(dIn, dRec, dH, dY, h, gates []float32, c int)

	softmax       func(dst, src []float32, cols int)
	softmaxBack   func(dst, y, g []float32, cols int)
	layerNorm     func(dst, src, gain, bias, mean, inv []float32, eps float32, cols int)
	layerNormBack func(dX, dGain, dBias, dY, src, gain, mean, inv []float32, cols int)

	// elementwise, reductions, Adam
	axpy, scale                     func(dst, src []float32, s float32)
	add, sub, mul, mulAdd, reluMask func(dst, a, b []float32)
	relu                            func(dst, src []float32)
	reluBack                        func(dst, y, g []float32)
	sigmoidBack, tanhBack           func(dst, y, g []float32)
	sum, sumSquares                 func(src []float32) float64
	dot                             func(a, b []float32) float64
	colSum                          func(dst, src []float32)
	adam                            func(w, g, m, v []float32, s AdamStep)

	// exponential family, dst and src of one length; they may be the same memory
	exp, expm1, log1p, sigmoid, tanh, softplus, compress func(dst, src []float32)
}

// generic is portable Go.
var generic = table{
	name: "go",
	gemm: gemmGo[float32],
	spmm: spmmGo[float32],

	gates: gatesGo[float32], gatesBack: gatesBackGo[float32],

	softmax: softmaxGo, softmaxBack: softmaxBackGo,
	layerNorm: layerNormGo, layerNormBack: layerNormBackGo,

	axpy: axpyGo[float32], scale: scaleGo[float32],
	add: addGo[float32], sub: subGo[float32], mul: mulGo[float32], mulAdd: mulAddGo[float32],
	relu: reluGo[float32], reluMask: reluMaskGo[float32], reluBack: reluBackGo[float32],
	sigmoidBack: sigmoidBackGo[float32], tanhBack: tanhBackGo[float32],
	sum: sumGo, sumSquares: sumSquaresGo[float32], dot: dotGo, colSum: colSumGo[float32],
	adam: adamGo[float32],

	exp: applying(math.Exp), expm1: applying(math.Expm1), log1p: applying(math.Log1p), sigmoid: applying(sigmoidOf),
	tanh: applying(math.Tanh), softplus: applying(softplusOf), compress: applying(compressOf),
}

// best is what this processor runs, the last of tables.
var best = last(tables())

func last(t []table) table { return t[len(t)-1] }

// bug reports a mistake of the caller's author, never of the data.
func bug(format string, args ...any) {
	panic("BUG: kernel: " + fmt.Sprintf(format, args...))
}
