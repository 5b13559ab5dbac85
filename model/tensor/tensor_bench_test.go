package tensor_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/pool"
)

func normal(rng *rand.Rand, shape ...int) *tensor.Var[float32] {
	v := tensor.NewParam[float32](shape...)
	for i := range v.Data {
		v.Data[i] = float32(rng.NormFloat64())
	}
	v.Grad = nil
	return v
}

// BenchmarkGemm times a product [m, 64] [64, n] on one and two threads, the tape's bookkeeping
// included.
func BenchmarkGemm(b *testing.B) {
	const k = 64
	for _, m := range []int{200, 1000, 5000, 20_000, 60_000} {
		for _, n := range []int{64, 128, 192} {
			for _, threads := range []int{1, 2} {
				b.Run(fmt.Sprintf("m=%d/n=%d/threads=%d", m, n, threads), func(b *testing.B) {
					rng := rand.New(rand.NewPCG(1, 2))
					x, w := normal(rng, m, k), normal(rng, k, n)
					workers := pool.New(threads)
					defer workers.Close()
					tp := tensor.NewInference[float32](workers.Urgent())
					b.ReportAllocs()
					for b.Loop() {
						tp.Reset()
						tp.MatMul(x, w)
					}
					b.ReportMetric(2*float64(m)*float64(n)*k*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}

// BenchmarkSpMM times a graph of five edges a service and one to itself, times 64 columns.
func BenchmarkSpMM(b *testing.B) {
	for _, services := range []int{200, 1000, 5000} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("services=%d/threads=%d", services, threads), func(b *testing.B) {
				rng := rand.New(rand.NewPCG(1, 2))
				s := &tensor.CSR[float32]{Rows: services, Cols: services, RowPtr: []int32{0}}
				for range services {
					for range 6 {
						s.Col, s.Val = append(s.Col, int32(rng.IntN(services))), append(s.Val, rng.Float32())
					}
					s.RowPtr = append(s.RowPtr, int32(len(s.Col)))
				}
				x := normal(rng, services, 64)
				workers := pool.New(threads)
				defer workers.Close()
				tp := tensor.NewInference[float32](workers.Urgent())
				b.ReportAllocs()
				for b.Loop() {
					tp.Reset()
					tp.SpMM(x, s)
				}
			})
		}
	}
}

// BenchmarkResidualBlock times forward and backward of one Linear–ReLU–Linear block of
// width 88 on 1656 rows (eight windows of 207 services), the tape's bookkeeping included.
func BenchmarkResidualBlock(b *testing.B) {
	const rows, width = 1656, 88
	rng := rand.New(rand.NewPCG(1, 2))
	x, w1, w2 := tensor.NewParam[float32](rows, width), tensor.NewParam[float32](width, width), tensor.NewParam[float32](width, width)
	for _, v := range []*tensor.Var[float32]{x, w1, w2} {
		copy(v.Data, normal(rng, v.Shape...).Data)
	}
	tp := tensor.NewTape[float32](nil)
	b.ReportAllocs()
	for b.Loop() {
		tp.Reset()
		y := tp.Add(x, tp.Linear(tp.Linear(x, w1, nil, true), w2, nil, false))
		tp.Backward(tp.Sum(y))
	}
}
