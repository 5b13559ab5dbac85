package dgcrn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/panel"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// world is a panel of waves that run along a ring of services.
func world(size, services, channels, outputs, level int) (panel.Setup, *panel.Batch) {
	rng := rand.New(rand.NewPCG(8, 1))
	g := &model.Graph{RowPtr: []int32{0}}
	for i := range services {
		g.Col, g.Weight = append(g.Col, int32((i+1)%services)), append(g.Weight, 1+rng.Float32())
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	const steps, horizons = 6, 4
	setup := panel.Setup{Services: services, Input: steps, Horizons: horizons, Channels: channels, Outputs: outputs, Graph: g}
	b := &panel.Batch{Size: size, Level: level}
	for range size {
		at := rng.Float64() * 20
		value := func(k, i int) float32 { return float32(math.Sin(at + 0.5*float64(k) - 0.9*float64(i))) }
		for k := range steps + horizons {
			b.Day = append(b.Day, float32(k)/(steps+horizons))
			for i := range services {
				if k >= steps {
					b.Y, b.Weight = append(b.Y, value(k, i)), append(b.Weight, 1)
					continue
				}
				b.X = append(b.X, value(k, i))
				for range channels - 1 {
					b.X = append(b.X, rng.Float32())
				}
			}
		}
	}
	return setup, b
}

func small() Config {
	cfg := Default()
	cfg.Hidden, cfg.Hyper, cfg.Embedding = 16, 4, 6
	return cfg
}

// slope is the derivative of the mean square error, with its value.
func slope(b *panel.Batch, y *tensor.Var[float32], setup panel.Setup) (float64, []float32) {
	out, sum := make([]float32, len(y.Data)), 0.0
	for i, v := range y.Data {
		k, row := i/setup.Outputs%b.Level, i/setup.Outputs/b.Level
		d := v - b.Y[(row/setup.Services*setup.Horizons+k)*setup.Services+row%setup.Services]
		sum += float64(d * d)
		out[i] = 2 * d / float32(len(out))
	}
	return sum / float64(len(out)), out
}

func TestLossFalls(t *testing.T) {
	setup, b := world(5, 6, 2, 3, 4)
	net := New(setup, small(), rand.New(rand.NewPCG(1, 2)))
	adam, tape, rng := nn.NewAdam(net.Params()), tensor.NewTape[float32](nil), rand.New(rand.NewPCG(2, 2))
	var first, last float64
	for step := range 150 {
		tape.Reset()
		b.Seen = step
		y := net.Forward(tape, b, rng)
		loss, g := slope(b, y, setup)
		tape.BackwardFrom(y, g)
		adam.Step(0.01)
		if step == 0 {
			first = loss
		}
	}
	y := net.Forward(tensor.NewInference[float32](nil), b, nil)
	last, _ = slope(b, y, setup)
	if !(last < first/10) {
		t.Errorf("loss fell from %v to %v", first, last)
	}
	t.Logf("loss %v, after training without the truth %v", first, last)
}

// TestWorkersChangeNothing: forecasts and gradients are the same bit for bit for one worker and two.
func TestWorkersChangeNothing(t *testing.T) {
	var want [][]float32
	for workers := 1; workers <= 2; workers++ {
		p := pool.New(workers)
		setup, b := world(9, 11, 1, 1, 3)
		net := New(setup, small(), rand.New(rand.NewPCG(1, 2)))
		tape := tensor.NewTape[float32](p.Background())
		y := net.Forward(tape, b, rand.New(rand.NewPCG(5, 5)))
		_, g := slope(b, y, setup)
		tape.BackwardFrom(y, g)
		got := [][]float32{y.Data}
		for _, p := range net.Params() {
			got = append(got, p.Var.Grad)
		}
		if workers == 1 {
			want = got
		}
		for i := range got {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("array %d differs from one worker's", i)
			}
		}
		p.Close()
	}
}

// TestForwardShapes: rows and columns, also for a curriculum, one window, and the clock among the channels.
func TestForwardShapes(t *testing.T) {
	for _, inX := range []bool{false, true} {
		for _, channels := range []int{1, 2, 4} {
			setup, b := world(1, 5, channels, 3, 2)
			cfg := small()
			cfg.ClockInX = inX
			y := New(setup, cfg, rand.New(rand.NewPCG(1, 2))).Forward(tensor.NewInference[float32](nil), b, nil)
			if y.Rows() != 5 || y.Cols() != 2*3 {
				t.Errorf("%d channels: shape %v", channels, y.Shape)
			}
		}
	}
}

// TestClockInX: the time of day may come either way.
func TestClockInX(t *testing.T) {
	setup, b := world(2, 5, 2, 1, 4)
	for i := range 2 * setup.Input * 5 {
		window, k := i/5/setup.Input, i/5%setup.Input
		b.X[2*i+1] = b.Day[window*(setup.Input+setup.Horizons)+k]
	}
	cfg := small()
	cfg.ClockInX = true
	in := New(setup, cfg, rand.New(rand.NewPCG(1, 2))).Forward(tensor.NewInference[float32](nil), b, nil)
	setup.Channels, cfg.ClockInX = 1, false
	for i := range len(b.X) / 2 {
		b.X[i] = b.X[2*i]
	}
	apart := New(setup, cfg, rand.New(rand.NewPCG(1, 2))).Forward(tensor.NewInference[float32](nil), b, nil)
	if !slices.Equal(in.Data, apart.Data) {
		t.Error("the forecast depends on where the time of day came from")
	}
}

// TestTruthIsFed: with the truth certain, what the decoder forecasts after the first horizon depends on it, but not where it is missing.
func TestTruthIsFed(t *testing.T) {
	setup, b := world(2, 5, 1, 1, 4)
	cfg := small()
	cfg.SamplingDecay = 1 << 40
	net := New(setup, cfg, rand.New(rand.NewPCG(1, 2)))
	pass := func() []float32 {
		return slices.Clone(net.Forward(tensor.NewInference[float32](nil), b, rand.New(rand.NewPCG(5, 5))).Data)
	}
	alone := net.Forward(tensor.NewInference[float32](nil), b, nil).Data
	fed := pass()
	for i := range fed {
		if (fed[i] == alone[i]) != (i%b.Level == 0) {
			t.Fatalf("element %d is %v, %v without the truth", i, fed[i], alone[i])
		}
	}
	clear(b.Weight)
	for i := range b.Y {
		b.Y[i] = float32(math.NaN())
	}
	if !slices.Equal(pass(), alone) {
		t.Error("where no truth is known the decoder is not fed its own forecast")
	}
}

func TestCurriculum(t *testing.T) {
	cfg := Default()
	for seen, want := range map[int]int{0: 1, 2499: 1, 2500: 2, 27500: 12, 90000: 12} {
		if got := cfg.Level(seen, 12); got != want {
			t.Errorf("level %d after %d steps, expected %d", got, seen, want)
		}
	}
}
