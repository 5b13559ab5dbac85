package stid

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/model/nn"
	"presage/model/safetensors"
	"presage/model/tensor"
)

// fixture is one file of outputs and gradients that PyTorch computed for random weights and inputs.
type fixture struct {
	t *testing.T
	safetensors.File
}

func openFixture(t *testing.T, name string) fixture {
	t.Helper()
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	f, err := os.Open(filepath.Join(root, "parity", name+".safetensors"))
	if os.IsNotExist(err) {
		t.Skip("no fixtures here: PRESAGE_TESTDATA names the folder that holds parity/")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := safetensors.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return fixture{t, file}
}

func (f fixture) floats(name string) []float64 {
	f.t.Helper()
	v, err := f.Tensors[name].Float64()
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return v
}

// tolerance is absolute plus relative.
type tolerance struct{ abs, rel float64 }

func compare[T tensor.Float](t *testing.T, name string, got []T, want []float64, tol tolerance) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, expected %d", name, len(got), len(want))
		return
	}
	largest := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - w)
		largest = max(largest, d)
		if !(d <= tol.abs+tol.rel*math.Abs(w)) {
			t.Errorf("%s, element %d: %.12g, expected %.12g", name, i, got[i], w)
			return
		}
	}
	t.Logf("%s: largest difference %.2g", name, largest)
}

// turned takes [.., a, b] as [.., b, a].
func turned[T, V tensor.Float](v []V, a, b int) []T {
	out := make([]T, len(v))
	for base := 0; base < len(v); base += a * b {
		for i := range a {
			for j := range b {
				out[base+j*a+i] = T(v[base+i*b+j])
			}
		}
	}
	return out
}

func (f fixture) ints(name string) []int64 {
	f.t.Helper()
	v, err := f.Tensors[name].Int64()
	if err != nil {
		f.t.Fatalf("%s: %v", name, err)
	}
	return v
}

// fixtureConfig are the sizes of the fixtures' weights.
func fixtureConfig(f fixture) Config {
	width := func(name string, dimension int) int {
		if v, ok := f.Tensors["weight/"+name]; ok {
			return v.Shape[dimension]
		}
		return 0
	}
	return Config{
		Window: width("time_series_emb_layer.weight", 0), Service: width("node_emb", 1), TimeOfDay: width("time_in_day_emb", 1),
		DayOfWeek: width("day_in_week_emb", 1), Layers: 2, Slots: 288, Dropout: 0.15,
	}
}

// layout turns a fixture's array into ours: linear layers are [out, in] there.
func layout[V, T tensor.Float](p nn.Param[T], v []float64) []V {
	if strings.HasSuffix(p.Name, "_emb") || len(p.Var.Shape) == 1 {
		return turned[V](v, 1, len(v))
	}
	return turned[V](v, p.Var.Cols(), p.Var.Rows())
}

func check[T tensor.Float](t *testing.T, f fixture, suffix string, out, grad tolerance) {
	f.t = t
	cfg, shape := fixtureConfig(f), f.Tensors["input/history"].Shape
	windows, steps, services, channels := shape[0], shape[1], shape[2], shape[3]
	inputs := f.Tensors["weight/time_series_emb_layer.weight"].Shape[1] / steps
	ahead := f.Tensors["input/cotangent"].Shape[1]
	net := newNetwork[T](cfg, services, steps*inputs, ahead, rand.New(rand.NewPCG(0, 0)))
	for _, p := range net.params() {
		copy(p.Var.Data, layout[T](p, f.floats("weight/"+p.Name)))
	}

	history := f.floats("input/history")
	x := tensor.NewParam[T](windows*services, steps*inputs)
	place := func(w, k, i, c int) (from, to int) {
		return ((w*steps+k)*services+i)*channels + c, ((w*services+i)*steps+k)*inputs + c
	}
	each := func(do func(from, to int)) {
		for w := range windows {
			for k := range steps {
				for i := range services {
					for c := range inputs {
						do(place(w, k, i, c))
					}
				}
			}
		}
	}
	each(func(from, to int) { x.Data[to] = T(history[from]) })
	var k keys
	for w := range windows {
		for i := range services {
			last, _ := place(w, steps-1, i, 0)
			k.service = append(k.service, int32(i))
			k.slot = append(k.slot, slotOf(float32(history[last+1]), cfg.Slots))
			k.day = append(k.day, int32(history[last+2]))
		}
	}
	for j, want := range f.ints("input/tod_index") {
		if int64(k.slot[j]) != want || int64(k.day[j]) != f.ints("input/dow_index")[j] {
			t.Fatalf("row %d: slot %d, day %d, expected %d, %d", j, k.slot[j], k.day[j], want, f.ints("input/dow_index")[j])
		}
	}

	tape := tensor.NewTape[T](nil)
	y := net.forward(tape, x, k, nil)
	compare(t, "prediction", turned[T](y.Data, services, ahead), f.floats("output"+suffix+"/prediction"), out)
	tape.BackwardFrom(y, turned[T](f.floats("input/cotangent"), ahead, services))
	for _, p := range net.params() {
		want := f.floats("grad" + suffix + "/" + p.Name)
		compare(t, "gradient of "+p.Name, p.Var.Grad, layout[float64](p, want), grad)
	}
	dx := make([]T, len(history))
	each(func(from, to int) { dx[from] = x.Grad[to] })
	compare(t, "gradient of history", dx, f.floats("grad_input"+suffix+"/history"), grad)
}

// TestParity holds the network against the published one.
func TestParity(t *testing.T) {
	for _, name := range []string{"stid", "stid_node_tid_only"} {
		f := openFixture(t, name)
		t.Run(name+" float64", func(t *testing.T) { check[float64](t, f, "64", tolerance{1e-12, 0}, tolerance{1e-10, 0}) })
		t.Run(name+" float32", func(t *testing.T) { check[float32](t, f, "", tolerance{1e-6, 0}, tolerance{1e-5, 1e-4}) })
	}
}

// TestSlots: every slot's beginning in float32 counts to it, for the published number of slots and for others, for
// which the published product in float32 misses some.
func TestSlots(t *testing.T) {
	for _, slots := range []int{24, 96, 288, 480, 720, 1440} {
		for k := range slots {
			if got := slotOf(float32(float64(k)/float64(slots)), slots); int(got) != k {
				t.Errorf("%d slots: the beginning of slot %d counts to %d", slots, k, got)
			}
			if got := slotOf(float32((float64(k)+0.99)/float64(slots)), slots); int(got) != k {
				t.Errorf("%d slots: the end of slot %d counts to %d", slots, k, got)
			}
		}
	}
	for k, want := range openFixture(t, "stid").ints("extra/tod_float32_index_of_k") {
		if got := slotOf(float32(float64(k)/288), 288); int64(got) != want {
			t.Errorf("slot %d: %d, published %d", k, got, want)
		}
	}
}
