// Package kernel holds the inner loops of the numeric layer over slices of float32: matrix
// products with fused epilogues, sparse products, the exponential family, GRU gates, row
// normalisations, Adam, and reductions in float64.
//
//	slices, sizes ──▶ best implementation for this processor ──▶ slices
//
// Each operation is a file: its doc comment is the loop it replaces, and beside it lie the
// portable Go code of the same loop, the assembly (made by gen/, never written by hand), its test and its
// benchmark. AVX-512 or AVX2 with FMA is chosen once, when the program starts, by what the processor
// has; elsewhere, and with the build tag noasm, the Go code runs. All implementations pass the same tests.
//
// Everything here works on the caller's goroutine, allocates nothing and trusts its callers
// with lengths: the exported functions check them and panic with a text that begins with BUG.
package kernel

//go:generate go run -C gen . -out ..
