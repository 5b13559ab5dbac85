package stgnn

import (
	"testing"

	"presage/model/nn"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// paperMemory is the peak of a training step of the paper's network, in bytes, as docs/performance.md
// states it: for B windows of T slices of N services, F inputs, C hidden channels and H horizons on W workers,
//
//	4 × (B T N (12 C + F + 1) + B N (4 C + 3 H) + 72 C² + 8 F C + W 1400 C)
//
// Rows of the slices carry both convolutions with their gradients, the recurrence's states, what its gates
// keep and its inputs' derivatives; the rest are sequences, weights' sums in eight chunks, and scratch.
func paperMemory(b, t, n, f, c, h, workers int) int {
	return 4 * (b*t*n*(12*c+f+1) + b*n*(4*c+3*h) + 72*c*c + 8*f*c + workers*1400*c)
}

// TestPeakMemory holds the formula: blocks of the arena that are not full may add a tenth and 4 MiB.
func TestPeakMemory(t *testing.T) {
	for _, size := range []struct{ services, batch, workers int }{{20, 2, 1}, {50, 8, 2}, {200, 4, 1}, {200, 8, 2}} {
		p := newPlainBench(size.services, size.batch)
		workers := pool.New(size.workers)
		tape, adam := tensor.NewTape[float32](workers.Background()), nn.NewAdam(p.net.params())
		for range 3 {
			p.step(tape, adam)
		}
		want := paperMemory(size.batch, benchInput, size.services, benchWidth, benchHidden, 12, size.workers)
		if got := tape.Bytes(); got > want+want/10+4<<20 || size.services*size.batch >= 256 && got < want-want/10 {
			t.Errorf("%+v: %d bytes, the formula gives %d", size, got, want)
		}
		if got := testing.AllocsPerRun(3, func() { p.step(tape, adam) }); got != 0 {
			t.Errorf("%+v: %v allocations a step", size, got)
		}
		workers.Close()
	}
}
