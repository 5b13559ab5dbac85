package astgcn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/model"
	"presage/model/nn"
	"presage/model/panel"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// BenchmarkTrainStep times one training step of the paper's sizes: forward, squared error, backward, Adam. There are
// three attributes that change and three that stay.
func BenchmarkTrainStep(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("services=207/batch=64/steps=10/hidden=128/threads=%d", threads), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			setup := panel.Setup{
				Services: 207, Input: 10, Horizons: 12, Channels: 4, Outputs: 1, Static: make([]float32, 3*207),
				Graph: &model.Graph{RowPtr: []int32{0}},
			}
			for range setup.Services {
				for j := range setup.Services {
					if rng.Float64() < 0.065 {
						setup.Graph.Col, setup.Graph.Weight = append(setup.Graph.Col, int32(j)), append(setup.Graph.Weight, rng.Float32())
					}
				}
				setup.Graph.RowPtr = append(setup.Graph.RowPtr, int32(len(setup.Graph.Col)))
			}
			batch := &panel.Batch{Size: 64, Level: 12, X: make([]float32, 64*10*207*4)}
			for i := range batch.X {
				batch.X[i] = float32(rng.NormFloat64())
			}
			target := make([]float32, 64*207*12)
			net := New(setup, DefaultConfig(), rng)
			workers := pool.New(threads)
			defer workers.Close()
			tape, adam := tensor.NewTape[float32](workers.Background()), nn.NewAdam(net.Params())
			step := func() {
				tape.Reset()
				y := net.Forward(tape, batch, rng)
				tape.Backward(tape.MSE(tape.Reshape(y, len(target)), target, nil))
				adam.Step(1e-3)
			}
			step() // takes the memory
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
