package astgcn

import (
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/panel"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

const toyServices = 12

// toySetup is a ring of services.
func toySetup() panel.Setup {
	s := panel.Setup{Services: toyServices, Input: 5, Horizons: 3, Channels: 3, Outputs: 1, Graph: &model.Graph{RowPtr: []int32{0}}}
	for i := range toyServices {
		a, b := int32((i+1)%toyServices), int32((i+5)%toyServices)
		s.Graph.Col = append(s.Graph.Col, min(a, b), max(a, b))
		s.Graph.Weight = append(s.Graph.Weight, 1, 1)
		s.Graph.RowPtr = append(s.Graph.RowPtr, int32(len(s.Graph.Col)))
		s.Static = append(s.Static, float32(i%2), float32(i%3))
	}
	return s
}

// toyBatch has targets made of the window's last values, of those of a neighbour, and of both kinds of attributes.
func toyBatch(rng *rand.Rand, s panel.Setup, windows int) *panel.Batch {
	b := &panel.Batch{Size: windows, Level: s.Horizons}
	for range windows * s.Input * s.Services * s.Channels {
		b.X = append(b.X, float32(rng.NormFloat64()))
	}
	at := func(w, i, c int) float32 { return b.X[((w*s.Input+s.Input-1)*s.Services+i)*s.Channels+c] }
	for w := range windows {
		for k := range s.Horizons {
			for i := range s.Services {
				y := at(w, i, 0) + at(w, (i+s.Services-1)%s.Services, 0) + at(w, i, 1) + s.Static[2*i]
				b.Y = append(b.Y, y/float32(k+2))
			}
		}
	}
	return b
}

// train makes a network and gives its losses and last outputs.
func train(cfg Config, steps, workers int) (losses []float32, y []float32) {
	setup, rng := toySetup(), rand.New(rand.NewPCG(1, 2))
	net := New(setup, cfg, rng)
	p := pool.New(workers)
	defer p.Close()
	adam, tape := nn.NewAdam(net.Params()), tensor.NewTape[float32](p.Background())
	b := toyBatch(rng, setup, 16)
	for range steps {
		target := make([]float32, len(b.Y))
		for i, v := range b.Y {
			w, k, s := i/(setup.Horizons*toyServices), i/toyServices%setup.Horizons, i%toyServices
			target[(w*toyServices+s)*setup.Horizons+k] = v
		}
		tape.Reset()
		out := net.Forward(tape, b, rng)
		loss := tape.MSE(tape.Reshape(out, len(out.Data)), target, nil)
		tape.Backward(loss)
		adam.Step(5e-3)
		losses, y = append(losses, loss.Data[0]), slices.Clone(out.Data)
	}
	return losses, y
}

// TestTrainingLowersTheLoss of one batch, in every form.
func TestTrainingLowersTheLoss(t *testing.T) {
	for name, cfg := range map[string]Config{
		"paper":           {Hidden: 16, Window: 2},
		"published":       {Hidden: 16, Attributes: Rows, Across: true},
		"T-GCN":           {Hidden: 16, Attributes: None},
		"T-GCN published": {Hidden: 16, Attributes: None, Across: true},
	} {
		t.Run(name, func(t *testing.T) {
			losses, _ := train(cfg, 300, 1)
			first, last := losses[0], losses[len(losses)-1]
			if !(last < first/2) {
				t.Errorf("loss %g after training, %g before", last, first)
			}
		})
	}
}

// TestWorkersChangeNothing: losses and outputs are the same bit for bit.
func TestWorkersChangeNothing(t *testing.T) {
	cfg := DefaultConfig()
	a, y := train(cfg, 5, 1)
	b, z := train(cfg, 5, 2)
	if !slices.Equal(a, b) || !slices.Equal(y, z) {
		t.Error("two workers give other numbers than one")
	}
}

// TestLevel: outputs of fewer horizons are the first ones of all, and a forecast alone equals one among others.
func TestLevel(t *testing.T) {
	setup := toySetup()
	setup.Outputs = 3
	rng := rand.New(rand.NewPCG(3, 4))
	net, b := New(setup, DefaultConfig(), rng), toyBatch(rng, setup, 4)
	tape := tensor.NewInference[float32](nil)
	all := net.Forward(tape, b, nil)
	b.Size, b.Level = 1, 1
	some := net.Forward(tape, b, nil)
	if all.Rows() != 4*toyServices || all.Cols() != 9 || some.Rows() != toyServices || some.Cols() != 3 {
		t.Fatalf("shapes %v and %v", all.Shape, some.Shape)
	}
	for i := range toyServices {
		if !slices.Equal(some.Data[3*i:3*i+3], all.Data[9*i:9*i+3]) {
			t.Errorf("service %d: %v alone, %v among others", i, some.Data[3*i:3*i+3], all.Data[9*i:9*i+3])
		}
	}
}
