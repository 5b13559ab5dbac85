package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// fenced gives slices that end where memory ends, or begin where it begins: a read outside of
// them, which guards don't notice, is a fault.
func fenced(t *testing.T, atEnd bool) func(n int) []float32 {
	page := syscall.Getpagesize()
	return func(n int) []float32 {
		size := (4*n + page - 1) / page * page
		all, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { _ = syscall.Munmap(all) })
		if n == 0 {
			return nil
		}
		if err := syscall.Mprotect(all[page:page+size], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
			t.Skip(err)
		}
		begin := page
		if atEnd {
			begin += size - 4*n
		}
		return unsafe.Slice((*float32)(unsafe.Pointer(&all[begin])), n)
	}
}

// TestBounds: a kernel that reads or writes outside of its slices ends the test's process.
func TestBounds(t *testing.T) {
	for _, atEnd := range []bool{false, true} {
		of := fenced(t, atEnd)
		for n := range 2*64 + 2 { // past every unrolled step and its tail
			dst, a, b, c := of(n), of(n), of(n), of(n)
			rows, mean, inv := of(3*n), of(3), of(3)
			for _, impl := range tables() {
				for _, op := range elementwiseCases() {
					op.call(impl, dst, a, b, 1)
				}
				impl.sum(a)
				impl.sumSquares(a)
				impl.dot(a, b)
				impl.adam(dst, a, b, c, AdamStep{Root: 1, Epsilon: 1})
				if n == 0 {
					continue
				}
				impl.colSum(dst, rows)
				addRow(impl.add, rows, rows, a)
				impl.softmax(rows, rows, n)
				impl.softmaxBack(rows, rows, rows, n)
				impl.layerNorm(rows, rows, a, b, mean, inv, 1, n)
				impl.layerNormBack(rows, dst, a, rows, rows, b, mean, inv, n)
				for _, u := range unaries() {
					u.f(impl)(dst, a)
				}
			}
		}
	}
}

// TestBoundsOfGates: the same for gates, whose rows have blocks.
func TestBoundsOfGates(t *testing.T) {
	for _, atEnd := range []bool{false, true} {
		of := fenced(t, atEnd)
		for c := 1; c < 2*16+2; c++ {
			const rows = 2
			one, h, dY := of(rows*c), of(rows*c), of(rows*c)
			in, rec, keep := of(rows*3*c), of(rows*3*c), of(rows*4*c)
			for _, impl := range tables() {
				for _, kept := range [][]float32{nil, keep} {
					impl.gates(one, h, in, rec, kept, c)
				}
				for _, dH := range [][]float32{nil, one} {
					impl.gatesBack(in, rec, dH, dY, h, keep, c)
				}
			}
		}
	}
}
