package model

import (
	"slices"

	"presage/windower/slice"
)

// Stepper makes the steps of a stream of snapshots. A service whose target was
// observed in the last Keep slices of the segment keeps a row, masked where the
// snapshot lacks it: a service without a call in one slice is still forecast, and rows
// change less. Its memory is a function of the last Keep snapshots. The zero value keeps
// nothing.
type Stepper struct {
	Options StepOptions
	Keep    int // slices; the input length T as a rule

	prev *Step
	seen map[string]int64 // service → start of the last slice with an observation
}

// Next is the step of the next snapshot in time order.
func (p *Stepper) Next(s *slice.Snapshot) *Step {
	st := NewStep(s, p.prev, p.Options)
	if p.seen == nil || p.prev == nil || p.prev.Segment != st.Segment {
		p.seen = map[string]int64{}
	}
	if p.Keep > 0 {
		st = p.keep(st)
	}
	p.prev = st
	return st
}

func (p *Stepper) keep(st *Step) *Step {
	f := len(ServiceChannels())
	for i, name := range st.Services {
		if st.Mask[i*f] != 0 || st.Mask[i*f+1] != 0 {
			p.seen[name] = st.At
		}
	}
	var absent []string
	for name, at := range p.seen {
		if at <= st.At-int64(p.Keep)*st.Width {
			delete(p.seen, name)
		} else if _, ok := slices.BinarySearch(st.Services, name); !ok {
			absent = append(absent, name)
		}
	}
	if len(absent) == 0 {
		return st
	}
	services := append(slices.Clone(st.Services), absent...)
	slices.Sort(services)
	if p.prev != nil && slices.Equal(services, p.prev.Services) {
		services = p.prev.Services
	}
	return st.WithRows(services)
}

// WithRows is the step on other rows, a sorted list of services: services that the
// step lacks are masked and have no edges, services that the list lacks are left out
// with their edges.
func (s *Step) WithRows(services []string) *Step {
	f := s.Channels()
	rows := Index(s.Services, services)
	back := Index(services, s.Services)
	t := &Step{At: s.At, Width: s.Width, Segment: s.Segment, Services: services, Graph: &Graph{RowPtr: make([]int32, len(services)+1)}}
	if f == 0 {
		f = len(ServiceChannels())
	}
	t.Values = make([]float32, len(services)*f)
	t.Mask = make([]float32, len(services)*f)
	g, from := t.Graph, s.Graph
	for i, r := range rows {
		if r >= 0 {
			copy(t.Values[i*f:(i+1)*f], s.Values[int(r)*f:])
			copy(t.Mask[i*f:(i+1)*f], s.Mask[int(r)*f:])
			for k := from.RowPtr[r]; k < from.RowPtr[r+1]; k++ {
				if c := back[from.Col[k]]; c >= 0 {
					g.Col = append(g.Col, c)
					g.Weight = append(g.Weight, from.Weight[k])
					if from.Errors != nil {
						g.Errors = append(g.Errors, from.Errors[k])
					}
					if from.MeanMs != nil {
						g.MeanMs = append(g.MeanMs, from.MeanMs[k])
					}
				}
			}
		}
		g.RowPtr[i+1] = int32(len(g.Col))
	}
	return t
}
