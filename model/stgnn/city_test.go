package stgnn

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"presage/model"
	"presage/model/tensor/pool"
)

// city is a large graph of the size of a real task: six channels, twelve slices back and ahead, five
// edges a service at random, noise for values.
type city struct {
	task   model.Task
	steps  []*model.Step
	window []*model.Step // the last slices
	next   int
}

const (
	cityEdges = 5  // a service
	cityLead  = 10 // a service
)

func newCity(services, steps int) city {
	task, err := model.NewTask(model.ChannelResponseTime, 12, 12, 0.9)
	if err != nil {
		panic(err)
	}
	rng := rand.New(rand.NewPCG(uint64(services), 5))
	names := make([]string, services)
	for i := range names {
		names[i] = fmt.Sprintf("service-%05d", i)
	}
	c := city{task: task}
	graph := cityGraph(services, rng)
	for k := range steps {
		s := &model.Step{At: int64(k) * 60e9, Width: 60e9, Services: names, Graph: graph}
		for range services {
			wave := rng.NormFloat64()
			s.Values = append(s.Values, float32(math.Exp(3+wave)), float32(math.Exp(2+0.5*wave)), 0.01, 0.3, 200, 2)
			s.Mask = append(s.Mask, 1, 1, 1, 1, 1, 1)
		}
		c.steps = append(c.steps, s)
	}
	return c
}

// slide moves the window on by one slice. The steps come again and again at later times; a forecaster has
// forgotten them by then.
func (c *city) slide() []*model.Step {
	s := c.steps[c.next%len(c.steps)]
	s.At = int64(c.next) * s.Width
	c.next++
	if len(c.window) < c.task.Input {
		c.window = append(c.window, s)
		return c.window
	}
	copy(c.window, c.window[1:])
	c.window[len(c.window)-1] = s
	return c.window
}

func cityGraph(services int, rng *rand.Rand) *model.Graph {
	g := &model.Graph{RowPtr: []int32{0}}
	for range services {
		var callees []int32
		for range cityEdges {
			callees = append(callees, int32(rng.IntN(services)))
		}
		slices.Sort(callees)
		for _, j := range slices.Compact(callees) {
			g.Col, g.Weight = append(g.Col, j), append(g.Weight, float32(1+rng.IntN(100)))
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g
}

// forecaster is one with random weights for all services. The state of a fit on a few of them is
// stretched, since a fit on all would take minutes.
func (c city) forecaster(t testing.TB, lane *pool.Lane) model.Forecaster {
	t.Helper()
	few := newCity(8, 200)
	small, err := New(c.task, Config{Epochs: 1, Budget: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := small.Fit(context.Background(), few.steps, nil, model.FitOptions{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	state, err := small.State()
	if err != nil {
		t.Fatal(err)
	}
	state.Meta = stretchedMeta(t, state.Meta, c.steps[0].Services)
	c.stretch(state.Tensors, 8)
	f, err := New(c.task, Config{}, lane)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Restore(state); err != nil {
		t.Fatal(err)
	}
	return f
}

// stretchedMeta replaces the services that a state knows.
func stretchedMeta(t testing.TB, meta json.RawMessage, services []string) json.RawMessage {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal(meta, &fields); err != nil {
		t.Fatal(err)
	}
	fields["services"], fields["lead"] = services, cityLead
	out, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// stretch repeats what a state holds of few services for all, draws leading services and weights.
func (c city) stretch(tensors map[string]model.Tensor, few int) {
	n := len(c.steps[0].Services)
	rng := rand.New(rand.NewPCG(7, 7))
	tensors["usual"] = model.Tensor{Shape: []int{n + 1}, Data: repeated(tensors["usual"].Data[few:], n+1)}
	for _, name := range []string{"scale/mean", "scale/deviation", "scale/standing", "scale/target", "extent", "identity.weight"} {
		t := tensors[name]
		tensors[name] = model.Tensor{Shape: append([]int{n}, t.Shape[1:]...), Data: repeated(t.Data, n*len(t.Data)/few)}
	}
	index, weight := make([]float32, n*cityLead), make([]float32, n*cityLead)
	for i := range index {
		index[i], weight[i] = float32(rng.IntN(n)), 0.1+0.9*rng.Float32()
	}
	tensors["lead/index"] = model.Tensor{Shape: []int{n, cityLead}, Data: index}
	tensors["lead/weight"] = model.Tensor{Shape: []int{n, cityLead}, Data: weight}
	for _, name := range []string{"head.weight", "lags.weight", "day.weight", "identity.weight"} {
		for i := range tensors[name].Data {
			tensors[name].Data[i] += 0.05 * float32(rng.NormFloat64())
		}
	}
}

// repeated is v over and over again, n elements.
func repeated(v []float32, n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = v[i%len(v)]
	}
	return out
}
