package dgcrn

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

// BenchmarkTrainStep is a step of training as published: 207 services, 12 slices in, all 12 horizons, the graph 7 % full.
func BenchmarkTrainStep(b *testing.B) {
	for _, size := range []int{16, 64} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/threads=%d", size, workers), func(b *testing.B) {
				lanes := pool.New(workers)
				defer lanes.Close()
				setup, batch := roads(size)
				net := New(setup, Default(), rand.New(rand.NewPCG(1, 1)))
				tape, adam := tensor.NewTape[float32](lanes.Background()), nn.NewAdam(net.Params())
				adam.Decay, adam.Clip = 1e-4, 5
				rng := rand.New(rand.NewPCG(2, 2))
				slopes := make([]float32, size*setup.Services*setup.Horizons)
				step := func() {
					tape.Reset()
					y := net.Forward(tape, batch, rng)
					for i, v := range y.Data {
						slopes[i] = 1 / float32(len(slopes))
						if v < 0 {
							slopes[i] = -slopes[i]
						}
					}
					tape.BackwardFrom(y, slopes)
					adam.Step(1e-3)
				}
				step()
				b.ReportAllocs()
				for b.Loop() {
					step()
				}
				b.ReportMetric(float64(tape.Bytes())/(1<<20), "MiB")
			})
		}
	}
}

func roads(size int) (panel.Setup, *panel.Batch) {
	const services, steps, horizons = 207, 12, 12
	rng := rand.New(rand.NewPCG(8, 1))
	g := &model.Graph{RowPtr: []int32{0}}
	for range services {
		for j := range int32(services) {
			if rng.Float64() < 0.07 {
				g.Col, g.Weight = append(g.Col, j), append(g.Weight, rng.Float32())
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	b := &panel.Batch{Size: size, Level: horizons, Seen: 1 << 20}
	fill := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(rng.NormFloat64())
		}
		return v
	}
	b.X, b.Day, b.Y = fill(size*steps*services), fill(size*(steps+horizons)), fill(size*horizons*services)
	return panel.Setup{Services: services, Input: steps, Horizons: horizons, Channels: 1, Outputs: 1, Graph: g}, b
}
