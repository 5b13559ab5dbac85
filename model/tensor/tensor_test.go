package tensor_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"presage/model/tensor"
)

func constant(shape []int, data ...float64) *vr { return tensor.NewConst(data, shape...) }

// TestValues holds results against sums done by hand.
func TestValues(t *testing.T) {
	tp := tensor.NewInference[float64](nil)
	a := constant([]int{2, 3}, 1, 2, 3, 4, 5, 6)
	b := constant([]int{3, 2}, 1, 0, 0, 1, 2, 2)
	tests := []struct {
		name  string
		got   *vr
		shape []int
		want  []float64
	}{
		{"MatMul", tp.MatMul(a, b), []int{2, 2}, []float64{7, 8, 16, 17}},
		{"MatMulT", tp.MatMulT(a, a), []int{2, 2}, []float64{14, 32, 32, 77}},
		{"TMatMul", tp.TMatMul(a, a), []int{3, 3}, []float64{17, 22, 27, 22, 29, 36, 27, 36, 45}},
		{"Add", tp.Add(a, a), []int{2, 3}, []float64{2, 4, 6, 8, 10, 12}},
		{"Sub", tp.Sub(a, a), []int{2, 3}, make([]float64, 6)},
		{"AddRow", tp.AddRow(a, constant([]int{3}, 10, 20, 30)), []int{2, 3}, []float64{11, 22, 33, 14, 25, 36}},
		{"AddCol", tp.AddCol(a, constant([]int{2}, 10, 20)), []int{2, 3}, []float64{11, 12, 13, 24, 25, 26}},
		{"MulCol", tp.MulCol(a, []float64{2, -1}), []int{2, 3}, []float64{2, 4, 6, -4, -5, -6}},
		{"Mul", tp.Mul(a, a), []int{2, 3}, []float64{1, 4, 9, 16, 25, 36}},
		{"ReLU", tp.ReLU(constant([]int{3}, -1, 0, 2)), []int{3}, []float64{0, 0, 2}},
		{"Softplus", tp.Softplus(constant([]int{3}, -800, 0, 800)), []int{3}, []float64{0, math.Ln2, 800}},
		{"Concat", tp.Concat(a, constant([]int{2, 1}, 7, 8)), []int{2, 4}, []float64{1, 2, 3, 7, 4, 5, 6, 8}},
		{"SliceCols", tp.SliceCols(a, 1, 3), []int{2, 2}, []float64{2, 3, 5, 6}},
		{"SliceRows", tp.SliceRows(a, 1, 2), []int{1, 3}, []float64{4, 5, 6}},
		{"Gather", tp.Gather(a, []int32{1, -1}), []int{2, 3}, []float64{4, 5, 6, 0, 0, 0}},
		{"CumSum", tp.CumSum(a), []int{2, 3}, []float64{1, 3, 6, 4, 9, 15}},
		{"Sum", tp.Sum(a), []int{}, []float64{21}},
		{"SpMM", tp.SpMM(a, &tensor.CSR[float64]{Rows: 2, Cols: 2, RowPtr: []int32{0, 0, 2}, Col: []int32{0, 1}, Val: []float64{1, 10}}),
			[]int{2, 3}, []float64{0, 0, 0, 41, 52, 63}},
		{"MSE", tp.MSE(a, []float64{1, 2, 3, 4, 5, 0}, nil), []int{}, []float64{6}},
		{"MSE masked, with a missing target", tp.MSE(a, []float64{1, 2, 3, 4, 3, math.NaN()}, []float64{1, 1, 1, 0, 1, 0}), []int{}, []float64{1}},
		{"Huber", tp.Huber(a, []float64{1.5, 2, 3, 4, 5, 0}, nil, 1), []int{}, []float64{(0.125 + 5.5) / 6}},
		{"Pinball", tp.Pinball(constant([]int{1, 2}, 1, 5), []float64{3}, nil, []float64{0.1, 0.9}), []int{}, []float64{(0.2 + 0.2) / 2}},
		{"all masked", tp.Pinball(constant([]int{1, 1}, 1), []float64{math.NaN()}, []float64{0}, []float64{0.5}), []int{}, []float64{0}},
	}
	for _, tt := range tests {
		if !slices.Equal(tt.got.Shape, tt.shape) {
			t.Errorf("%s: shape %v, expected %v", tt.name, tt.got.Shape, tt.shape)
		}
		for i := range tt.want {
			if math.Abs(tt.got.Data[i]-tt.want[i]) > 1e-12 {
				t.Errorf("%s: %v, expected %v", tt.name, tt.got.Data, tt.want)
				break
			}
		}
	}
}

func TestQuantilesNeverCross(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	a := tensor.NewParam[float32](200, 5)
	for i := range a.Data {
		a.Data[i] = float32(20 * rng.NormFloat64())
	}
	y := tensor.NewInference[float32](nil).Quantiles(a, 2)
	for r := 0; r < len(y.Data); r += 5 {
		if !slices.IsSorted(y.Data[r : r+5]) {
			t.Fatalf("row %v", y.Data[r:r+5])
		}
		if y.Data[r+2] != a.Data[r+2] {
			t.Fatalf("median moved from %v to %v", a.Data[r+2], y.Data[r+2])
		}
	}
}

func TestDropoutKeepsTheMean(t *testing.T) {
	ones := tensor.NewParam[float64](100_000)
	for i := range ones.Data {
		ones.Data[i] = 1
	}
	tp := tensor.NewTape[float64](nil)
	y := tp.Dropout(ones, 0.15, rand.New(rand.NewPCG(1, 9)))
	var sum, zero float64
	for _, v := range y.Data {
		sum += v
		if v == 0 {
			zero++
		}
	}
	if math.Abs(sum/1e5-1) > 0.01 || math.Abs(zero/1e5-0.15) > 0.005 {
		t.Errorf("mean %v, share of zeros %v", sum/1e5, zero/1e5)
	}
	if tp.Dropout(ones, 0.15, nil) != ones {
		t.Error("without a generator dropout changed its input")
	}
}

// TestRowsDontDependOnTheBatch is the property that lets a live step equal training.
func TestRowsDontDependOnTheBatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x, w := tensor.NewParam[float32](700, 270), tensor.NewParam[float32](270, 112)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	for i := range w.Data {
		w.Data[i] = float32(rng.NormFloat64())
	}
	tp := tensor.NewInference[float32](nil)
	all := tp.MatMul(x, w)
	for _, r := range [][2]int{{0, 1}, {5, 9}, {640, 700}, {699, 700}} {
		some := tp.MatMul(tp.SliceRows(x, r[0], r[1]), w)
		if !slices.Equal(some.Data, all.Data[r[0]*112:r[1]*112]) {
			t.Errorf("rows %v differ from the same rows of the whole product", r)
		}
	}
}

func TestTapeUsesMemoryAgain(t *testing.T) {
	a, b := tensor.NewParam[float32](300, 300), tensor.NewParam[float32](300, 300)
	for i := range a.Data {
		a.Data[i], b.Data[i] = float32(i%7), float32(i%3)
	}
	tp := tensor.NewTape[float32](nil)
	var first []float32
	for range 3 {
		tp.Reset()
		a.ZeroGrad()
		y := tp.ReLU(tp.MatMul(a, b))
		tp.Backward(tp.Sum(y))
		if first == nil {
			first = slices.Clone(a.Grad)
		}
		if !slices.Equal(first, a.Grad) {
			t.Fatal("gradients differ from step to step")
		}
	}
}

func TestShapeMistakesAreBugs(t *testing.T) {
	defer func() {
		text, ok := recover().(string)
		if !ok || !strings.HasPrefix(text, "BUG") || !strings.Contains(text, "[2 3]") {
			t.Errorf("panic %q", text)
		}
	}()
	tp := tensor.NewTape[float64](nil)
	tp.MatMul(tensor.NewParam[float64](2, 3), tensor.NewParam[float64](2, 3))
}

func ExampleTape() {
	w := tensor.NewParam[float64](2, 1)
	copy(w.Data, []float64{1, -1})
	x := tensor.NewConst([]float64{3, 4}, 1, 2)

	tape := tensor.NewTape[float64](nil)
	loss := tape.MSE(tape.MatMul(x, w), []float64{0}, nil)
	tape.Backward(loss)
	fmt.Println(loss.Data[0], w.Grad)
	// Output: 1 [-6 -8]
}
