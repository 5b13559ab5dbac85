package stgnn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"presage/model/nn"
	"presage/model/nn/adjacency"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

const (
	benchInput  = 12 // slices
	benchWidth  = 10 // six channels and the time
	benchHidden = 64
	benchEdges  = 5 // a service
)

// plainBench is the paper's network with random weights and inputs, all slices on one graph.
type plainBench struct {
	net    *plain[float32]
	x      *tensor.Var[float32] // [B × T × N, F]
	graphs []*tensor.CSR[float32]
	index  [][]int32
	target []float32
}

func newPlainBench(services, batch int) *plainBench {
	rng := rand.New(rand.NewPCG(1, 2))
	p := &plainBench{net: newPlain[float32](benchWidth, benchHidden, 12, rng)}
	a := &tensor.CSR[float32]{Rows: services, Cols: services, RowPtr: []int32{0}}
	for range services {
		seen := map[int32]bool{}
		for range benchEdges {
			seen[int32(rng.IntN(services))] = true
		}
		for j := range int32(services) {
			if seen[j] {
				a.Col, a.Val = append(a.Col, j), append(a.Val, 1)
			}
		}
		a.RowPtr = append(a.RowPtr, int32(len(a.Col)))
	}
	norm := adjacency.Symmetric(a)
	rows := batch * benchInput * services
	p.x = tensor.NewConst(make([]float32, rows*benchWidth), rows, benchWidth)
	for i := range p.x.Data {
		p.x.Data[i] = float32(rng.NormFloat64())
	}
	for range batch * benchInput {
		p.graphs = append(p.graphs, norm)
	}
	p.index = make([][]int32, benchInput)
	for k := range p.index {
		for b := range batch {
			for i := range services {
				p.index[k] = append(p.index[k], int32((b*benchInput+k)*services+i))
			}
		}
	}
	p.target = make([]float32, batch*services*12)
	for i := range p.target {
		p.target[i] = float32(rng.NormFloat64())
	}
	return p
}

func (p *plainBench) forward(t *tensor.Tape[float32]) *tensor.Var[float32] {
	return p.net.head.Forward(t, p.net.remember(t, p.net.convolve(t, p.x, p.graphs), p.index))
}

// step is one step of training.
func (p *plainBench) step(t *tensor.Tape[float32], adam *nn.Adam[float32]) {
	t.Reset()
	y := p.forward(t)
	t.Backward(t.MSE(t.Reshape(y, len(y.Data)), p.target, nil))
	adam.Step(1e-3)
}

// BenchmarkPaperForecast times the paper's network on one whole window: both convolutions of all
// twelve slices, the recurrence, the head. Nothing is kept from window to window.
func BenchmarkPaperForecast(b *testing.B) {
	for _, services := range []int{200, 1000, 5000} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("services=%d/threads=%d", services, threads), func(b *testing.B) {
				p := newPlainBench(services, 1)
				workers := pool.New(threads)
				defer workers.Close()
				tape := tensor.NewInference[float32](workers.Urgent())
				p.forward(tape) // takes the memory
				b.ReportAllocs()
				for b.Loop() {
					tape.Reset()
					p.forward(tape)
				}
			})
		}
	}
}

// BenchmarkPaperTrainStep times one step: forward, mean squared error, backward, Adam. The batch's windows
// have no slice in common.
func BenchmarkPaperTrainStep(b *testing.B) {
	for _, size := range [][2]int{{200, 32}, {1000, 8}} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("services=%d/batch=%d/threads=%d", size[0], size[1], threads), func(b *testing.B) {
				p := newPlainBench(size[0], size[1])
				workers := pool.New(threads)
				defer workers.Close()
				tape, adam := tensor.NewTape[float32](workers.Background()), nn.NewAdam(p.net.params())
				p.step(tape, adam) // takes the memory
				b.ReportAllocs()
				for b.Loop() {
					p.step(tape, adam)
				}
			})
		}
	}
}
