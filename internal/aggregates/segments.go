package aggregates

import "presage/model"

// MaxEmpty is the number of absent slices in a row that don't end a segment.
const MaxEmpty = 5

// Places of the channels in model.ServiceChannels.
const (
	responseTime = iota
	requests
	errorShare
)

// segments strings slices together: it numbers segments and fills short gaps. Steps without
// observations share their memory.
type segments struct {
	width    int64
	services []string
	graph    *model.Graph // of slices without observations
	steps    []*model.Step
	segment  int64     // of the next step
	zeros    []float32 // [N, F]
}

func newSegments(width int64, services []string, graph *model.Graph, first int64) *segments {
	return &segments{
		width: width, services: services, graph: graph, segment: first,
		zeros: make([]float32, len(services)*len(model.ServiceChannels())),
	}
}

// add appends an empty step of the slice that starts at the given time, later than all before
// and a whole number of slices after them. The caller fills it.
func (s *segments) add(at int64, graph *model.Graph) *model.Step {
	if n := len(s.steps); n > 0 {
		next := s.steps[n-1].At + s.width
		if (at-next)/s.width > MaxEmpty {
			s.segment++
		} else {
			for ; next < at; next += s.width {
				s.append(next, s.graph, s.zeros, s.zeros)
			}
		}
	}
	return s.append(at, graph, make([]float32, len(s.zeros)), make([]float32, len(s.zeros)))
}

func (s *segments) append(at int64, graph *model.Graph, values, mask []float32) *model.Step {
	st := &model.Step{
		At: at, Width: s.width, Segment: s.segment, Services: s.services,
		Values: values, Mask: mask, Graph: graph,
	}
	s.steps = append(s.steps, st)
	return st
}

// set notes an observation.
func set(st *model.Step, service, channel int, v float64) {
	k := service*len(model.ServiceChannels()) + channel
	st.Values[k], st.Mask[k] = float32(v), 1
}
