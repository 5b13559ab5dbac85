package panel

import (
	"math"

	"presage/model"
)

// scales turn channels into what a network reads, and the target back. They are learned from the training part
// alone.
type scales struct {
	Log       []bool    // [F] log(x + 1) first
	Mean, Dev []float32 // [N, F]
}

// leastDeviation keeps constant channels from dividing by zero.
const leastDeviation = 1e-2

func newScales(t model.Task, scaling string, services []string, train []*model.Step) *scales {
	f, n := len(t.Channels), len(services)
	s := &scales{Log: make([]bool, f), Mean: make([]float32, n*f), Dev: make([]float32, n*f)}
	for c, name := range t.Channels {
		s.Log[c] = name != model.ChannelErrors
		if c == t.Target {
			s.Log[c] = t.Log
		}
	}
	own := make([]model.Moments, n*f)
	all := make([]model.Moments, f)
	highest := make([]float64, f)
	eachValue(services, train, func(row, c int, v float32) {
		x := s.forward(c, v)
		own[row*f+c].Add(x)
		all[c].Add(x)
		highest[c] = max(highest[c], math.Abs(x))
	})
	for row := range n {
		for c := range f {
			m, d := all[c].Mean, all[c].Deviation()
			if k := own[row*f+c]; scaling == ScaleService && k.Count > 0 {
				m, d = k.Mean, k.Deviation()
			}
			if scaling == ScaleMax {
				m, d = 0, highest[c]
			}
			s.Mean[row*f+c], s.Dev[row*f+c] = float32(m), float32(max(d, leastDeviation))
		}
	}
	return s
}

// eachValue calls f for every observed finite value of the panel's services.
func eachValue(services []string, steps []*model.Step, f func(row, channel int, v float32)) {
	var rows []int32
	var of []string
	for _, st := range steps {
		if !model.Same(st.Services, of) {
			rows, of = model.Index(services, st.Services), st.Services
		}
		channels := st.Channels()
		for i, row := range rows {
			if row < 0 {
				continue
			}
			for c := range channels {
				if v := st.Values[i*channels+c]; st.Mask[i*channels+c] != 0 && !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
					f(int(row), c, v)
				}
			}
		}
	}
}

func (s *scales) forward(c int, v float32) float64 {
	if s.Log[c] {
		return math.Log1p(math.Max(float64(v), 0))
	}
	return float64(v)
}

// scaled is a value of channel c of service row as the network reads it.
func (s *scales) scaled(row, c int, v float32) float32 {
	k := row*len(s.Log) + c
	return float32((s.forward(c, v) - float64(s.Mean[k])) / float64(s.Dev[k]))
}

// most bounds what is raised back from a logarithm.
const most = 60

// natural is the inverse of scaled.
func (s *scales) natural(row, c int, z float32) float32 {
	k := row*len(s.Log) + c
	x := float64(z)*float64(s.Dev[k]) + float64(s.Mean[k])
	if s.Log[c] {
		return float32(math.Max(math.Expm1(math.Min(x, most)), 0))
	}
	return float32(x)
}
