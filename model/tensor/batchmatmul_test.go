package tensor_test

import (
	"math/rand/v2"
	"testing"

	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

func TestBatchMatMulGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	a, turned, b := gradcheck.Random(rng, 3, 4, 5), gradcheck.Random(rng, 3, 5, 4), gradcheck.Random(rng, 3, 5, 2)
	gradcheck.Check(t, []*vr{a, b}, func(tp *tape) *vr { return tp.BatchMatMul(a, b) })
	gradcheck.Check(t, []*vr{turned, b}, func(tp *tape) *vr { return tp.BatchTMatMul(turned, b) })
	square := gradcheck.Random(rng, 2, 3, 3)
	gradcheck.Check(t, []*vr{square}, func(tp *tape) *vr { // a gradient that is added to
		return tp.BatchTMatMul(square, tp.BatchMatMul(square, square))
	})
}

// TestBatchMatMulIsMatMul: an element of the batch is the product of two matrices.
func TestBatchMatMulIsMatMul(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 2))
	a, b := gradcheck.Random(rng, 2, 4, 3), gradcheck.Random(rng, 2, 3, 6)
	tp := tensor.NewInference[float64](nil)
	y := tp.BatchMatMul(a, b)
	for i := range 2 {
		want := tp.MatMul(tensor.NewConst(a.Data[i*12:(i+1)*12], 4, 3), tensor.NewConst(b.Data[i*18:(i+1)*18], 3, 6))
		for j, v := range want.Data {
			if y.Data[i*24+j] != v {
				t.Fatalf("element %d of product %d is %v, expected %v", j, i, y.Data[i*24+j], v)
			}
		}
	}
}
