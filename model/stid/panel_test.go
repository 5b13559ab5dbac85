package stid

import (
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model/nn"
	"presage/model/panel"
	"presage/model/parity"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// daily is a batch whose targets depend on service, slot and day alone: noise is all that a window holds.
func daily(rng *rand.Rand, setup panel.Setup, windows int) *panel.Batch {
	b := &panel.Batch{Size: windows, Level: setup.Horizons}
	for range windows {
		start := rng.IntN(288)
		day := rng.IntN(7)
		for k := range setup.Input + setup.Horizons {
			b.Day = append(b.Day, float32((start+k)%288)/288)
			b.Week = append(b.Week, int32((day+(start+k)/288)%7))
		}
		for range setup.Input * setup.Services * setup.Channels {
			b.X = append(b.X, float32(rng.NormFloat64()))
		}
		for range setup.Horizons {
			for i := range setup.Services {
				b.Y = append(b.Y, float32(i)-2+float32(start/144)*2-float32(day%2))
			}
		}
	}
	return b
}

// train makes a network and gives its losses and last outputs.
func train(steps, workers int) (losses []float32, y []float32) {
	setup := panel.Setup{Services: 5, Input: 6, Horizons: 4, Channels: 2, Outputs: 1}
	rng := rand.New(rand.NewPCG(1, 2))
	cfg := DefaultConfig()
	cfg.Window, cfg.Service, cfg.TimeOfDay, cfg.DayOfWeek, cfg.Layers = 16, 8, 8, 8, 2
	net := New(setup, cfg, rng)
	p := pool.New(workers)
	defer p.Close()
	adam, tape := nn.NewAdam(net.Params()), tensor.NewTape[float32](p.Background())
	for range steps {
		b := daily(rng, setup, 64)
		tape.Reset()
		out := net.Forward(tape, b, rng)
		loss := tape.MSE(tape.Reshape(out, len(out.Data)), parity.Turned(b.Y, setup.Horizons, setup.Services), nil)
		tape.Backward(loss)
		adam.Step(5e-3)
		losses, y = append(losses, loss.Data[0]), slices.Clone(out.Data)
	}
	return losses, y
}

// TestTrainingLowersTheLoss on targets that identity and time explain.
func TestTrainingLowersTheLoss(t *testing.T) {
	losses, _ := train(150, 1)
	if first, last := losses[0], losses[len(losses)-1]; !(last < first/10) {
		t.Errorf("loss %g after training, %g before", last, first)
	}
}

// TestWorkersChangeNothing: losses and outputs are the same bit for bit.
func TestWorkersChangeNothing(t *testing.T) {
	a, y := train(5, 1)
	b, z := train(5, 2)
	if !slices.Equal(a, b) || !slices.Equal(y, z) {
		t.Error("two workers give other numbers than one")
	}
}

// TestLevel: outputs of fewer horizons are the first ones of all.
func TestLevel(t *testing.T) {
	setup := panel.Setup{Services: 3, Input: 6, Horizons: 4, Channels: 1, Outputs: 3}
	rng := rand.New(rand.NewPCG(3, 4))
	net, b := New(setup, DefaultConfig(), rng), daily(rng, setup, 2)
	tape := tensor.NewInference[float32](nil)
	all := net.Forward(tape, b, nil)
	b.Level = 1
	some := net.Forward(tape, b, nil)
	if all.Cols() != 12 || some.Cols() != 3 || !slices.Equal(some.Data[3:6], all.Data[12:15]) {
		t.Errorf("shapes %v and %v, second row %v and %v", all.Shape, some.Shape, some.Data[3:6], all.Data[12:15])
	}
}
