package tensor_test

import (
	"testing"

	"presage/model/tensor"
)

// BenchmarkResidualBlock times forward and backward of one Linear–ReLU–Linear block of
// width 88 on 1656 rows (eight windows of 207 services), the tape's bookkeeping included.
func BenchmarkResidualBlock(b *testing.B) {
	const rows, width = 1656, 88
	x := tensor.NewParam[float32](rows, width)
	w1, w2 := tensor.NewParam[float32](width, width), tensor.NewParam[float32](width, width)
	for i := range x.Data {
		x.Data[i] = float32(i%13) - 6
	}
	for i := range w1.Data {
		w1.Data[i], w2.Data[i] = float32(i%7)-3, float32(i%5)-2
	}
	tp := tensor.NewTape[float32](nil)
	b.ReportAllocs()
	for b.Loop() {
		tp.Reset()
		y := tp.Add(x, tp.MatMul(tp.ReLU(tp.MatMul(x, w1)), w2))
		tp.Backward(tp.Sum(y))
	}
}
