package stgnn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/model/nn"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

// BenchmarkTrainStep times one training step of the default network on rows that are assembled already:
// forward with dropout, losses, backward, clipping and AdamW. A row has the 239 inputs of a task with six channels,
// twelve slices back and ahead.
func BenchmarkTrainStep(b *testing.B) {
	const services, windows, inputs, lags = 200, 32, 239, 11
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("services=%d/batch=%d/threads=%d", services, windows, threads), func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 2))
			cfg, levels := Config{}.withDefaults(), []float64{0.05, 0.5, 0.95}
			d := dims{inputs: inputs, lag: 144, lags: lags, slots: 288, services: services, horizons: 12, quantiles: 3, median: 1}
			net := newNetwork[float32](cfg, d, rng)
			var rows batch[float32]
			for r := range services * windows {
				for range inputs {
					rows.x = append(rows.x, float32(rng.NormFloat64()))
				}
				rows.base, rows.unit, rows.trust = append(rows.base, 0), append(rows.unit, 1), append(rows.trust, 1)
				rows.slot, rows.name = append(rows.slot, int32(r/services)), append(rows.name, int32(r%services))
			}
			target, weight := make([]float32, services*windows*12), make([]float32, services*windows*12)
			for i := range target {
				target[i], weight[i] = float32(rng.NormFloat64()), 1
			}
			workers := pool.New(threads)
			defer workers.Close()
			tape, adam := tensor.NewTape[float32](workers.Background()), nn.NewAdam(net.params())
			adam.Decay, adam.Decoupled, adam.Clip = 1e-2, true, 5
			step := func() {
				tape.Reset()
				y := net.forward(tape, rows, rng)
				loss := tape.Add(tape.Pinball(y, target, weight, levels), tape.Scale(tape.Huber(tape.SliceCols(y, 1, 2), target, weight, 1), 0.1))
				tape.Backward(loss)
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
