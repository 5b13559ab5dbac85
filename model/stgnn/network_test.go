package stgnn

import (
	"math"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/model/tensor"
	"presage/model/tensor/gradcheck"
)

// TestNetworkGradients holds the whole default network against central differences.
func TestNetworkGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cfg := Config{Width: 5, Embed: 3, Blocks: 2, Dropout: 0.2}.withDefaults()
	n := newNetwork[float64](cfg, dims{inputs: 4, slots: 3, services: 4, horizons: 2, quantiles: 3, median: 1}, rng)
	b := batch[float64]{
		base: []float64{0.5, -7, 1}, unit: []float64{1, 0.5, 2}, trust: []float64{1, 0.25, 1},
		slot: []int32{0, -1, 2}, name: []int32{3, 0, -1},
	}
	for range 12 {
		b.x = append(b.x, rng.NormFloat64())
	}
	var inputs []*tensor.Var[float64]
	for _, p := range n.params() {
		for i := range p.Var.Data { // head and embeddings start at zero
			p.Var.Data[i] += 0.3 * rng.NormFloat64()
		}
		inputs = append(inputs, p.Var)
	}
	gradcheck.Check(t, inputs, func(tp *tensor.Tape[float64]) *tensor.Var[float64] {
		return n.forward(tp, b, rand.New(rand.NewPCG(3, 3)))
	})
}

// TestUntrainedIsPersistence: the head starts at zero.
func TestUntrainedIsPersistence(t *testing.T) {
	cfg := Config{Width: 5, Embed: 3}.withDefaults()
	n := newNetwork[float32](cfg, dims{inputs: 2, slots: 1, services: 1, horizons: 3, quantiles: 3, median: 1}, zeroRand())
	y := n.forward(tensor.NewInference[float32](nil), batch[float32]{
		x: []float32{1, 2, 3, 4}, base: []float32{4, -9}, unit: []float32{1, 1}, trust: []float32{1, 1}, slot: []int32{-1, -1}, name: []int32{0, -1},
	}, nil)
	for k := range 6 {
		if got, want := y.Data[3*k+1], []float32{4, -9}[k/3]; got != want {
			t.Errorf("median %v, expected %v", got, want)
		}
	}
}

// threeServices is a slice in which a calls b three times and c once, and b calls c.
func threeServices() *model.Graph {
	return &model.Graph{RowPtr: []int32{0, 3, 4, 4}, Col: []int32{0, 1, 2, 2}, Weight: []float32{100, 3, 1, 2}}
}

func TestWalkByHand(t *testing.T) {
	nan := float32(math.NaN())
	g := threeServices() // a calls itself too, which doesn't count
	var graph reach
	graph.of(g, 3)
	tests := []struct {
		name    string
		x       []float32
		along   []float32
		against []float32
		all     []float32
	}{
		{"all observed", []float32{1, 2, 6}, []float32{3, 6, nan}, []float32{nan, 1, (1 + 2*2) / 3.0}, []float32{3, 3, 3}},
		{"b missing", []float32{1, nan, 6}, []float32{6, 6, nan}, []float32{nan, 1, 1}, []float32{3.5, 3.5, 3.5}},
		{"nothing observed", []float32{nan, nan, nan}, []float32{nan, nan, nan}, []float32{nan, nan, nan}, []float32{nan, nan, nan}},
	}
	for _, tt := range tests {
		out := make([]float32, 3)
		check := func(what string, want []float32) {
			t.Helper()
			for i := range out {
				if out[i] != want[i] && (out[i] == out[i] || want[i] == want[i]) {
					t.Errorf("%s, %s: %v, expected %v", tt.name, what, out, want)
					return
				}
			}
		}
		x, second := marks(tt.x), make([]mark, 3)
		mean := func(what string, put func(way), want []float32) {
			t.Helper()
			f := features{services: make([]string, 3), d: make([]float32, 3*ways), there: make([]uint32, 3)}
			put(f.way(0, alongTwice))
			for i := range out {
				out[i] = f.d[i*ways+alongTwice]
				if f.there[i] != 1<<alongTwice {
					out[i] = nan
				}
			}
			check(what, want)
		}
		mean("along", func(d way) { graph.along.mean(x, second, d, 0, 3) }, tt.along)
		mean("against", func(d way) { graph.against.mean(x, second, d, 0, 3) }, tt.against)
		mean("all", func(d way) { all(x, d) }, tt.all)
	}
}

func marks(x []float32) []mark {
	out := make([]mark, len(x))
	for i, v := range x {
		if v == v {
			out[i] = mark{v, 1}
		}
	}
	return out
}

func TestSeriesCarriesForward(t *testing.T) {
	nan := float32(math.NaN())
	slice := func(z float32, services ...string) *features {
		f := &features{services: services}
		for range services {
			f.z = append(f.z, z)
		}
		return f
	}
	tests := []struct {
		name   string
		slices []*features
		want   []float32
		age    int
	}{
		{"complete", []*features{slice(1, "a"), slice(2, "a"), slice(3, "a")}, []float32{1, 2, 3}, 0},
		{"gap", []*features{slice(1, "a"), slice(nan, "a"), slice(3, "a")}, []float32{1, 1, 3}, 0},
		{"late start", []*features{nil, slice(2, "b"), slice(3, "a")}, []float32{3, 3, 3}, 0},
		{"old", []*features{slice(1, "a"), slice(nan, "a"), slice(nan, "a")}, []float32{1, 1, 1}, 2},
		{"never", []*features{nil, slice(nan, "a"), slice(nan, "a")}, []float32{0, 0, 0}, 3},
		{"other rows", []*features{slice(1, "0", "a"), slice(2, "a"), slice(3, "a", "b")}, []float32{1, 2, 3}, 0},
	}
	for _, tt := range tests {
		v := new(views).window(tt.slices, 0, nil)
		out := make([]float32, 3)
		age := v.series(0, 0, 1, out)
		if age != tt.age || out[0] != tt.want[0] || out[1] != tt.want[1] || out[2] != tt.want[2] {
			t.Errorf("%s: %v of age %d, expected %v of age %d", tt.name, out, age, tt.want, tt.age)
		}
	}
}

func TestClockLeavesOutShortCycles(t *testing.T) {
	span := func(days int64) clock {
		return newClock([]*model.Step{{At: 0, Width: day}, {At: (days - 1) * day, Width: day}}, "auto")
	}
	for days, want := range map[int64][2]bool{1: {}, 2: {true, false}, 13: {true, false}, 14: {true, true}} {
		if c := span(days); c.Day != want[0] || c.Week != want[1] {
			t.Errorf("%d days of history: %+v, expected day and week %v", days, c, want)
		}
	}
	if c := newClock([]*model.Step{{At: 0, Width: 30 * day}}, "off"); c.Day || c.Week || c.slot(5) != -1 {
		t.Errorf("%+v with time off", c)
	}
	five := clock{Day: true, Slots: 288}
	if got := five.slot(day - 1); got != 287 {
		t.Errorf("slot %d at the end of the day", got)
	}
}

// TestRingWorksOnTheNewSliceOnly counts what is diffused.
func TestRingWorksOnTheNewSliceOnly(t *testing.T) {
	task := model.Task{Channels: []string{"value"}, Input: 4, Horizons: 1, Levels: []float64{0.5}}
	services := []string{"a", "b", "c"}
	var steps []*model.Step
	for k := range 40 {
		v := float32(math.Sin(float64(k)))
		steps = append(steps, &model.Step{At: int64(k), Width: 1, Services: services, Graph: threeServices(),
			Values: []float32{v, v + 1, -v}, Mask: []float32{1, 1, 1}})
	}
	l := prepare(Config{}.withDefaults(), task, steps[:30], 1, nil)
	r := ring{}
	for k := 30; k <= 40; k++ {
		r.window(&l.basis, steps[k-4:k], newMaker(l, &r).features)
		if want := 4 + k - 30; r.made != want {
			t.Fatalf("%d slices diffused after %d windows, expected %d", r.made, k-29, want)
		}
	}
}

func TestLeadFindsWhoMovesBefore(t *testing.T) {
	task := model.Task{Channels: []string{"value"}, Input: 4, Horizons: 1, Levels: []float64{0.5}}
	rng := rand.New(rand.NewPCG(4, 4))
	services := []string{"a", "b", "c", "d"}
	var steps []*model.Step
	before := float32(0)
	for k := range 400 {
		x, y := float32(rng.NormFloat64()), float32(rng.NormFloat64())
		steps = append(steps, &model.Step{At: int64(k), Width: 1, Services: services,
			Values: []float32{x, y, 2*before + 0.1*y, 5}, Mask: []float32{1, 1, 1, 1}})
		before = x
	}
	ch := newChannels(task)
	sc := newScaler(steps, task, ch, ScalePerService)
	l := newLead(steps, task, ch, sc, 2)
	if l.index[2*l.k] != 0 || l.weight[2*l.k] < 0.5 {
		t.Errorf("c follows a, but its first leader is %v (%v)", l.index[2*l.k], l.weight[2*l.k])
	}
	if l.index[0] == 2 || l.index[3*l.k] != -1 {
		t.Errorf("a is led by %v, a constant service by %v", l.index[0], l.index[3*l.k])
	}
}
