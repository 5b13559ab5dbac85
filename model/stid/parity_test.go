package stid

import (
	"math/rand/v2"
	"strings"
	"testing"

	"presage/model/parity"
	"presage/model/tensor"
)

// fixtureConfig are the sizes of the fixtures' weights.
func fixtureConfig(f *parity.Fixture) Config {
	width := func(name string, dimension int) int {
		if !f.Has("weight/" + name) {
			return 0
		}
		return f.Shape("weight/" + name)[dimension]
	}
	return Config{
		Window: width("time_series_emb_layer.weight", 0), Service: width("node_emb", 1), TimeOfDay: width("time_in_day_emb", 1),
		DayOfWeek: width("day_in_week_emb", 1), Layers: 2, Slots: 288, Dropout: 0.15,
	}
}

// linear says whether a parameter is a linear layer's, which is [out, in, 1, 1] in the fixture.
func linear(name string) bool { return !strings.HasSuffix(name, "_emb") }

func check[T tensor.Float](t *testing.T, f *parity.Fixture) {
	f, is := f.To(t), parity.PrecisionOf[T]()
	cfg, shape := fixtureConfig(f), f.Shape("input/history")
	windows, steps, services, channels := shape[0], shape[1], shape[2], shape[3]
	inputs := f.Shape("weight/time_series_emb_layer.weight")[1] / steps
	ahead := f.Shape("input/cotangent")[1]
	net := newNetwork[T](cfg, services, steps*inputs, ahead, rand.New(rand.NewPCG(0, 0)))
	weights := parity.Weights[T]{Fixture: f, Params: net.params(), Reversed: linear}
	weights.Load()

	history := f.Floats("input/history")
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
	for j, want := range f.Ints("input/tod_index") {
		if int64(k.slot[j]) != want || int64(k.day[j]) != f.Ints("input/dow_index")[j] {
			t.Fatalf("row %d: slot %d, day %d, expected %d, %d", j, k.slot[j], k.day[j], want, f.Ints("input/dow_index")[j])
		}
	}

	tape := tensor.NewTape[T](nil)
	y := net.forward(tape, x, k, nil)
	parity.Compare(f, "output", "prediction", parity.Turned(y.Data, services, ahead), f.Floats("output"+is.Suffix+"/prediction"), is.Output)
	tape.BackwardFrom(y, parity.As[T](parity.Turned(f.Floats("input/cotangent"), ahead, services)))
	weights.CompareGradients("grad"+is.Suffix, is.Gradient)
	dx := make([]T, len(history))
	each(func(from, to int) { dx[from] = x.Grad[to] })
	parity.Compare(f, "gradient", "history", dx, f.Floats("grad_input"+is.Suffix+"/history"), is.Gradient)
}

// TestParity holds the network against the published one.
func TestParity(t *testing.T) {
	for _, name := range []string{"stid", "stid_node_tid_only"} {
		f := parity.Open(t, name)
		t.Run(name+" float64", func(t *testing.T) { check[float64](t, f) })
		t.Run(name+" float32", func(t *testing.T) { check[float32](t, f) })
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
	for k, want := range parity.Open(t, "stid").Ints("extra/tod_float32_index_of_k") {
		if got := slotOf(float32(float64(k)/288), 288); int64(got) != want {
			t.Errorf("slot %d: %d, published %d", k, got, want)
		}
	}
}
