package graphwavenet

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

// randomGraph gives each of n services an edge to itself and to a share of the others.
func randomGraph(n int, share float64, rng *rand.Rand) *model.Graph {
	g := &model.Graph{RowPtr: []int32{0}}
	for i := range n {
		for j := range n {
			if i == j || rng.Float64() < share {
				g.Col, g.Weight = append(g.Col, int32(j)), append(g.Weight, 0.1+rng.Float32())
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g
}

// training is a network with a batch and its optimiser.
type training struct {
	net  panel.Network
	b    panel.Batch
	tape *tensor.Tape[float32]
	adam *nn.Adam[float32]
	rng  *rand.Rand
	y, w []float32 // targets and weights beside the network's rows
}

func newTraining(s panel.Setup, c Config, batch int, lane *pool.Lane) *training {
	t := &training{rng: rand.New(rand.NewPCG(5, 6))}
	t.net = New(s, c, t.rng)
	t.b = panel.Batch{Size: batch, Level: s.Horizons}
	for range batch * s.Input * s.Services * s.Channels {
		t.b.X = append(t.b.X, float32(t.rng.NormFloat64()))
	}
	for range batch * s.Services * s.Horizons * s.Outputs {
		t.y, t.w = append(t.y, float32(t.rng.NormFloat64())), append(t.w, 1)
	}
	t.tape, t.adam = tensor.NewTape[float32](lane), nn.NewAdam(t.net.Params())
	t.adam.Decay, t.adam.Clip = 1e-4, 5
	return t
}

// step is one training step; it returns the mean absolute error.
func (t *training) step() float32 {
	t.tape.Reset()
	y := t.net.Forward(t.tape, &t.b, t.rng)
	loss := t.tape.Pinball(t.tape.Reshape(y, len(y.Data), 1), t.y, t.w, []float64{0.5})
	t.tape.Backward(loss)
	t.adam.Step(1e-3)
	return 2 * loss.Data[0]
}

// BenchmarkTrainStep is the publication's step on a graph of Los-loop's size and density: forward with dropout, loss,
// backward, clipping and Adam.
func BenchmarkTrainStep(b *testing.B) {
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("services=207/batch=64/threads=%d", threads), func(b *testing.B) {
			workers := pool.New(threads)
			defer workers.Close()
			s := panel.Setup{Services: 207, Input: 12, Horizons: 12, Channels: 2, Outputs: 1, Graph: randomGraph(207, 0.065, rand.New(rand.NewPCG(1, 2)))}
			t := newTraining(s, Config{}, 64, workers.Background())
			t.step() // takes the memory
			b.ReportAllocs()
			for b.Loop() {
				t.step()
			}
			b.ReportMetric(float64(t.tape.Bytes())/1e6, "MB")
		})
	}
}
