package ltsf

import (
	"math"
	"math/rand/v2"
	"testing"

	"presage/model/nn"
	"presage/model/panel"
	"presage/model/parity"
	"presage/model/tensor"
)

// waves is a batch of sines of services, with a second channel that must not matter.
func waves(rng *rand.Rand, setup panel.Setup, windows int) *panel.Batch {
	b := &panel.Batch{Size: windows, Level: setup.Horizons}
	for range windows {
		start := rng.Float64() * 100
		value := func(k, i int) float32 { return float32(math.Sin(start + float64(k)*(0.3+0.05*float64(i)))) }
		for k := range setup.Input {
			for i := range setup.Services {
				b.X = append(b.X, value(k, i), float32(math.NaN()))
			}
		}
		for k := range setup.Horizons {
			for i := range setup.Services {
				b.Y = append(b.Y, value(setup.Input+k, i))
			}
		}
	}
	return b
}

// rows takes targets [B, H, N] as the network gives them.
func rows(b *panel.Batch, setup panel.Setup) []float32 {
	return parity.Turned(b.Y, setup.Horizons, setup.Services)
}

// TestTrainingLowersTheLoss on series that are a linear function of their past.
func TestTrainingLowersTheLoss(t *testing.T) {
	setup := panel.Setup{Services: 5, Input: 12, Horizons: 6, Channels: 2, Outputs: 1}
	for name, build := range map[string]func(panel.Setup, *rand.Rand) panel.Network{"NLinear": NewNLinear, "DLinear": NewDLinear} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			net := build(setup, rng)
			adam, tape := nn.NewAdam(net.Params()), tensor.NewTape[float32](nil)
			var first, last float64
			for step := range 900 {
				b := waves(rng, setup, 16)
				tape.Reset()
				loss := tape.MSE(tape.Reshape(net.Forward(tape, b, rng), 16*5*6), rows(b, setup), nil)
				tape.Backward(loss)
				adam.Step(0.01)
				if step == 0 {
					first = float64(loss.Data[0])
				}
				last = float64(loss.Data[0])
			}
			if !(last < first/10) {
				t.Errorf("loss %g after training, %g before", last, first)
			}
		})
	}
}

// TestShapes: outputs of fewer horizons are the first ones of all.
func TestShapes(t *testing.T) {
	setup := panel.Setup{Services: 3, Input: 8, Horizons: 4, Channels: 2, Outputs: 3}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, net := range []panel.Network{NewNLinear(setup, rng), NewDLinear(setup, rng)} {
		b := waves(rng, setup, 2)
		tape := tensor.NewInference[float32](nil)
		all := net.Forward(tape, b, nil)
		b.Level = 2
		some := net.Forward(tape, b, nil)
		if all.Rows() != 6 || all.Cols() != 12 || some.Rows() != 6 || some.Cols() != 6 {
			t.Fatalf("shapes %v and %v", all.Shape, some.Shape)
		}
		for r := range 6 {
			for j := range 6 {
				if some.Data[r*6+j] != all.Data[r*12+j] {
					t.Errorf("row %d, column %d: %v of two horizons, %v of all", r, j, some.Data[r*6+j], all.Data[r*12+j])
				}
			}
		}
	}
}
