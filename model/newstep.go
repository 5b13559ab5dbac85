package model

import (
	"fmt"
	"math"
	"slices"

	"presage/windower/slice"
)

// StepOptions choose what of a snapshot becomes a channel.
type StepOptions struct {
	// Statistic of the response times: "mean" (also ""), "p50", "p95" or "p99".
	Statistic string
}

// Validate refuses an unknown statistic.
func (o StepOptions) Validate() error {
	switch o.Statistic {
	case "", "mean", "p50", "p95", "p99":
		return nil
	}
	return fmt.Errorf("response time statistic %q: expected mean, p50, p95 or p99", o.Statistic)
}

func (o StepOptions) column(n *slice.Nodes) slice.Column {
	switch o.Statistic {
	case "p50":
		return n.P50
	case "p95":
		return n.P95
	case "p99":
		return n.P99
	}
	return n.Mean
}

// NewStep is the numeric form of a snapshot, with the channels of
// ServiceChannels. Requests are arrivals by start time, or completions where
// arrivals are missing, per second. What is missing or not finite is masked; a
// virtual node has no response time, requests or errors of its own. The edges of
// all kinds between two services are one. prev, the step before or nil, lends its
// Services slice where the services are the same.
func NewStep(s *slice.Snapshot, prev *Step, opt StepOptions) *Step {
	n := len(s.Nodes.Service)
	f := len(ServiceChannels())
	st := &Step{
		At: s.Start(), Width: s.Width, Segment: s.Segment, Services: s.Nodes.Service,
		Values: make([]float32, n*f), Mask: make([]float32, n*f), Graph: newGraph(&s.Edges, n),
	}
	if prev != nil && slices.Equal(prev.Services, s.Nodes.Service) {
		st.Services = prev.Services
	}
	response := opt.column(&s.Nodes)
	perSecond := 1e9 / float64(s.Width)
	for i := range n {
		set := func(channel int, v float64, ok bool) {
			if v32 := float32(v); ok && !math.IsNaN(v) && !math.IsInf(float64(v32), 0) {
				st.Values[i*f+channel], st.Mask[i*f+channel] = v32, 1
			}
		}
		set(3, at(s.Nodes.CPU, i), valid(s.Nodes.CPU, i))
		set(4, at(s.Nodes.Memory, i), valid(s.Nodes.Memory, i))
		set(5, at(s.Nodes.Replicas, i), valid(s.Nodes.Replicas, i))
		if i < len(s.Nodes.Virtual) && s.Nodes.Virtual[i] {
			continue
		}
		set(0, at(response, i), valid(response, i))
		if valid(s.Nodes.Arrivals, i) {
			set(1, at(s.Nodes.Arrivals, i)*perSecond, true)
		} else {
			set(1, at(s.Nodes.Requests, i)*perSecond, valid(s.Nodes.Requests, i))
		}
		requests := at(s.Nodes.Requests, i)
		set(2, at(s.Nodes.Errors, i)/requests, valid(s.Nodes.Errors, i) && valid(s.Nodes.Requests, i) && requests > 0)
	}
	return st
}

// at and valid read a column that may be shorter than the nodes, as all-missing
// columns are allowed to be.
func at(c slice.Column, i int) float64 {
	if i < len(c.Value) {
		return c.Value[i]
	}
	return 0
}

func valid(c slice.Column, i int) bool { return i < len(c.Valid) && c.Valid[i] }

// newGraph merges the edges of all kinds between two rows.
func newGraph(e *slice.Edges, n int) *Graph {
	g := &Graph{
		RowPtr: make([]int32, n+1),
		Col:    make([]int32, 0, len(e.Callee)), Weight: make([]float32, 0, len(e.Callee)),
		Errors: make([]float32, 0, len(e.Callee)), MeanMs: make([]float32, 0, len(e.Callee)),
	}
	for i := range n {
		if i+1 >= len(e.Offset) {
			g.RowPtr[i+1] = g.RowPtr[i]
			continue
		}
		for k := e.Offset[i]; k < e.Offset[i+1]; {
			callee := e.Callee[k]
			var calls, errors, ms float64
			for ; k < e.Offset[i+1] && e.Callee[k] == callee; k++ {
				calls += e.Calls[k]
				errors += e.Errors[k]
				ms += e.Mean[k] * e.Calls[k]
			}
			share, mean := 0.0, 0.0
			if calls > 0 {
				share, mean = errors/calls, ms/calls
			}
			g.Col = append(g.Col, callee)
			g.Weight = append(g.Weight, float32(calls))
			g.Errors = append(g.Errors, float32(share))
			g.MeanMs = append(g.MeanMs, float32(mean))
		}
		g.RowPtr[i+1] = int32(len(g.Col))
	}
	return g
}
