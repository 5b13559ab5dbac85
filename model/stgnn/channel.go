package stgnn

import (
	"math"

	"presage/model"
)

// channels says what is done with each channel of a task.
type channels struct {
	log      []bool // [F] scaled by log(x + 1) before standardising
	logs     bool   // any of them is
	diffused []int  // carried along the graph; the target comes first
	own      []int  // looked at for the service itself only
}

// newChannels diffuses the target, response time and load, and keeps the rest to each
// service.
func newChannels(t model.Task) channels {
	c := channels{log: make([]bool, len(t.Channels)), diffused: []int{t.Target}}
	for i, name := range t.Channels {
		// A share is bounded already; everything else that counts or lasts has a long tail.
		c.log[i] = name != model.ChannelErrors
		switch {
		case i == t.Target:
			c.log[i] = t.Log
		case len(c.diffused) < maxDiffused && (name == model.ChannelResponseTime || name == model.ChannelRequests):
			c.diffused = append(c.diffused, i)
		default:
			c.own = append(c.own, i)
		}
		c.logs = c.logs || c.log[i]
	}
	return c
}

// forward is the channel's value on the scale that is standardised.
func (c channels) forward(channel int, v float32) float32 {
	if c.log[channel] {
		return float32(math.Log1p(math.Max(float64(v), 0)))
	}
	return v
}

// maxLog bounds what is raised back from a logarithm, so that no forecast is infinite.
const maxLog = 60

// backward undoes forward.
func (c channels) backward(channel int, v float32) float32 {
	if c.log[channel] {
		return float32(math.Expm1(math.Max(0, math.Min(float64(v), maxLog))))
	}
	return v
}
