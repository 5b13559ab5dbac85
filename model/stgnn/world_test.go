package stgnn_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"presage/model"
)

// world is a small service graph whose load follows a slow wave and whose response times
// follow the load of the service and the response times of its callees a slice later.
type world struct {
	services, steps int
	seed            uint64
	come, gone      bool    // the last service appears half-way, the first leaves for a while
	virtual         bool    // the last service has no response time ever
	missing         float64 // share of values that are not observed
	width           int64
}

func testTask() model.Task {
	return model.Task{
		Channels: []string{model.ChannelResponseTime, model.ChannelRequests, model.ChannelErrors, model.ChannelCPU},
		Unit:     "ms", Log: true, Input: 6, Horizons: 3, Levels: []float64{0.05, 0.5, 0.95},
	}
}

func (w world) make() []*model.Step {
	if w.width == 0 {
		w.width = 10e9
	}
	rng := rand.New(rand.NewPCG(w.seed, 99))
	n := w.services
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("service-%02d", i)
	}
	const channels = 4
	state, load := make([]float64, n), make([]float64, n)
	var out []*model.Step
	var shared *model.Step // of the same set of services, whose memory is shared
	for k := range w.steps {
		wave := math.Sin(2 * math.Pi * float64(k) / 60)
		next := make([]float64, n)
		for i := range n {
			load[i] = 0.7*load[i] + 0.3*(wave*float64(1+i%3)) + 0.1*rng.NormFloat64()
			callees := 0.0
			if c := 2*i + 1; c < n {
				callees = state[c]
			}
			next[i] = 0.5*state[i] + 0.3*load[i] + 0.4*callees + 0.05*rng.NormFloat64()
		}
		state = next
		var keep []int
		for i := range n {
			if w.come && i == n-1 && k < w.steps/2 || w.gone && i == 0 && k%40 >= 30 {
				continue
			}
			keep = append(keep, i)
		}
		s := &model.Step{At: int64(k) * w.width, Width: w.width}
		if shared != nil && len(shared.Services) == len(keep) && shared.Services[0] == names[keep[0]] {
			s.Services, s.Graph = shared.Services, shared.Graph
		} else {
			s.Services, s.Graph = subset(names, keep)
		}
		shared = s
		for _, i := range keep {
			s.Values = append(s.Values, float32(math.Exp(1+float64(i%4)+0.5*state[i])), float32(50*math.Exp(load[i])), 0.01, float32(0.5+0.1*load[i]))
			for c := range channels {
				seen := float32(1)
				if rng.Float64() < w.missing || w.virtual && i == n-1 && c == 0 {
					seen = 0
					s.Values[len(s.Values)-channels+c] = 0
				}
				s.Mask = append(s.Mask, seen)
			}
		}
		out = append(out, s)
	}
	return out
}

// subset is a binary tree of calls between the services that are there.
func subset(names []string, keep []int) ([]string, *model.Graph) {
	at := map[int]int32{}
	var services []string
	for r, i := range keep {
		at[i] = int32(r)
		services = append(services, names[i])
	}
	g := &model.Graph{RowPtr: []int32{0}}
	for _, i := range keep {
		for _, c := range []int{2*i + 1, 2*i + 2} {
			if r, ok := at[c]; ok {
				g.Col = append(g.Col, r)
				g.Weight = append(g.Weight, float32(10+i))
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return services, g
}
