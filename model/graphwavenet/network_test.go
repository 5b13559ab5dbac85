package graphwavenet

import (
	"math/rand/v2"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"presage/model/panel"
	"presage/model/tensor"
	"presage/model/tensor/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var small = Config{Residual: 8, Dilation: 8, Skip: 16, End: 16, Blocks: 2, Layers: 2, Embedding: 4}

func smallSetup() panel.Setup {
	return panel.Setup{Services: 30, Input: 5, Horizons: 3, Channels: 2, Outputs: 2, Graph: randomGraph(30, 0.1, rand.New(rand.NewPCG(3, 3)))}
}

// TestForwardRows: a row a window and service, in that order, for the horizons that are wanted; a window's rows do not
// depend on the others of its batch.
func TestForwardRows(t *testing.T) {
	for _, input := range []int{5, 7, 9} {
		s := smallSetup()
		s.Input = input
		tr := newTraining(s, small, 4, nil)
		tape := tensor.NewInference[float32](nil)
		whole := slices.Clone(tr.net.Forward(tape, &tr.b, nil).Data)
		if len(whole) != 4*s.Services*s.Horizons*s.Outputs {
			t.Fatalf("%d elements", len(whole))
		}
		window := s.Input * s.Services * s.Channels
		alone := panel.Batch{Size: 1, X: tr.b.X[2*window : 3*window], Level: 2}
		y := tr.net.Forward(tape, &alone, nil)
		for r := range s.Services {
			for c := range 2 * s.Outputs {
				got, want := y.Data[r*2*s.Outputs+c], whole[(2*s.Services+r)*s.Horizons*s.Outputs+c]
				if got != want {
					t.Fatalf("input %d, row %d, column %d: %v alone and %v in a batch", input, r, c, got, want)
				}
			}
		}
	}
}

// TestOldMomentsDoNotCount: what lies before the moments that the network sees changes nothing.
func TestOldMomentsDoNotCount(t *testing.T) {
	s := smallSetup()
	s.Input = small.Receptive() + 2
	tr := newTraining(s, small, 1, nil)
	tape := tensor.NewInference[float32](nil)
	before := slices.Clone(tr.net.Forward(tape, &tr.b, nil).Data)
	for i := range 2 * s.Services * s.Channels {
		tr.b.X[i]++
	}
	if !slices.Equal(before, tr.net.Forward(tape, &tr.b, nil).Data) {
		t.Error("moments out of sight changed the output")
	}
	tr.b.X[2*s.Services*s.Channels]++
	if slices.Equal(before, tr.net.Forward(tape, &tr.b, nil).Data) {
		t.Error("the first moment in sight didn't change the output")
	}
}

// TestWorkersChangeNothing: the same losses and weights, bit for bit.
func TestWorkersChangeNothing(t *testing.T) {
	var want *training
	for workers := 1; workers <= 3; workers++ {
		p := pool.New(workers)
		tr := newTraining(smallSetup(), small, 16, p.Background())
		for range 3 {
			tr.step()
		}
		p.Close()
		if want == nil {
			want = tr
			continue
		}
		for i, v := range tr.net.Params() {
			if !slices.Equal(v.Var.Data, want.net.Params()[i].Var.Data) {
				t.Errorf("%d workers: %s differs from one worker's", workers, v.Name)
			}
		}
		for name, v := range tr.net.Buffers() {
			if !slices.Equal(v, want.net.Buffers()[name]) {
				t.Errorf("%d workers: %s differs from one worker's", workers, name)
			}
		}
	}
}

// TestLearns a series that each service gets from another one: the service before it, a moment earlier.
func TestLearns(t *testing.T) {
	for _, graph := range []string{GraphOn, GraphOff} {
		c := small
		c.Dropout, c.Graph = -1, graph
		s := smallSetup()
		s.Outputs = 1
		tr := newTraining(s, c, 16, nil)
		for w := range 16 {
			for i := range s.Services {
				for h := range s.Horizons {
					tr.y[(w*s.Services+i)*s.Horizons+h] = tr.b.X[((w*s.Input+s.Input-1)*s.Services+(i+1)%s.Services)*s.Channels]
				}
			}
		}
		first := tr.step()
		var last float32
		for range 150 {
			last = tr.step()
		}
		if last > 0.75*first {
			t.Errorf("graph %s: mean absolute error %v at first, %v in the end", graph, first, last)
		}
		t.Logf("graph %s: %v, then %v", graph, first, last)
	}
}

// TestStepsAllocateNothing after the first.
func TestStepsAllocateNothing(t *testing.T) {
	workers := pool.New(2)
	defer workers.Close()
	tr := newTraining(smallSetup(), small, 8, workers.Background())
	tr.step()
	tr.step()
	if n := testing.AllocsPerRun(10, func() { tr.step() }); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// TestWithoutAnyAdjacency: neither a given one nor a learned one.
func TestWithoutAnyAdjacency(t *testing.T) {
	c := small
	c.Embedding, c.Graph = -1, GraphOff
	tr := newTraining(smallSetup(), c, 2, nil)
	tr.step()
	for _, p := range tr.net.Params() {
		if p.Name == "nodevec1" {
			t.Error("embeddings without a learned adjacency")
		}
	}
}
