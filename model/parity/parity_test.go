package parity

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"presage/model/nn"
	"presage/model/safetensors"
	"presage/model/tensor"
)

// listener is a test that counts its errors instead of failing.
type listener struct {
	testing.TB
	errors int
}

func (l *listener) Errorf(string, ...any) { l.errors++ }

func TestCompareFails(t *testing.T) {
	tol := Tolerance{Abs: 1, Rel: 0.1}
	for _, c := range []struct {
		got, want []float64
		fails     bool
	}{
		{[]float64{10, 22}, []float64{10, 20}, false},
		{[]float64{10, 23.5}, []float64{10, 20}, true},
		{[]float64{-10}, []float64{10}, true},
		{[]float64{math.NaN()}, []float64{10}, true},
		{[]float64{10}, []float64{math.NaN()}, true},
		{[]float64{10}, []float64{10, 20}, true},
		{nil, nil, true},
	} {
		l := &listener{TB: t}
		Compare((&Fixture{}).To(l), "output", "y", c.got, c.want, tol)
		if (l.errors > 0) != c.fails {
			t.Errorf("%v for %v: %d errors, expected some: %v", c.got, c.want, l.errors, c.fails)
		}
	}
}

// TestPrecision pins what every network is held to.
func TestPrecision(t *testing.T) {
	wide, single := PrecisionOf[float64](), PrecisionOf[float32]()
	if want := (Precision{"64", Tolerance{1e-12, 0}, Tolerance{1e-10, 0}}); wide != want {
		t.Errorf("float64: %v, expected %v", wide, want)
	}
	if want := (Precision{"", Tolerance{1e-6, 0}, Tolerance{1e-5, 1e-4}}); single != want {
		t.Errorf("float32: %v, expected %v", single, want)
	}
}

func TestOrders(t *testing.T) {
	v := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11} // [2, 3, 2]
	for want, got := range map[string][]int{
		"[0 2 4 1 3 5 6 8 10 7 9 11]": Turned(v, 3, 2),
		"[0 6 2 8 4 10 1 7 3 9 5 11]": reversed(v, []int{2, 3, 2}),
		"[0 1 6 7 2 3 8 9 4 5 10 11]": Permuted(v, []int{2, 3, 2}, 1, 0, 2),
	} {
		if fmt.Sprint(got) != want {
			t.Errorf("%v, expected %s", got, want)
		}
	}
}

func TestWeights(t *testing.T) {
	l := &listener{TB: t}
	array := safetensors.FromFloat32([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	f := (&Fixture{file: safetensors.File{Tensors: map[string]safetensors.Tensor{"weight/theirs": array, "grad/theirs": array}}}).To(l)
	w := Weights[float32]{
		Fixture: f, Params: []nn.Param[float32]{{Name: "ours", Var: tensor.NewParam[float32](3, 2)}},
		Named: func(string) string { return "theirs" }, Reversed: func(name string) bool { return name == "ours" },
	}
	w.Load()
	p := w.Params[0].Var
	if want := []float32{1, 4, 2, 5, 3, 6}; !slices.Equal(p.Data, want) {
		t.Errorf("%v, expected %v", p.Data, want)
	}
	copy(p.Grad, p.Data)
	w.CompareGradients("grad", Tolerance{})
	w.CompareValues("weight", Tolerance{})
	if l.errors != 0 {
		t.Errorf("%d errors of equal arrays", l.errors)
	}
	p.Grad[3], p.Data[3] = 0, 0
	w.CompareGradients("grad", Tolerance{})
	w.CompareValues("weight", Tolerance{})
	if l.errors != 2 {
		t.Errorf("%d errors of two different arrays", l.errors)
	}
}
