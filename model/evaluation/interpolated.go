package evaluation

import "math"

// point is a service's value in a slice.
type point struct {
	at      int64
	service string
}

// A run of values is taken as interpolated where second differences are zero, up to rounding, for at least this many
// slices in a row. Where the value stays the same it proves nothing; constant runs count from four times
// the length on.
const (
	linearRun    = 2
	constantRun  = 4 * linearRun
	linearWithin = 2e-5 // of the value
)

// interpolated finds the points of the test part that lie within exactly linear runs: whoever made the data filled a gap
// there, with knowledge of its end.
func (e *Exam) interpolated() map[point]bool {
	out := map[point]bool{}
	if e.Task.Log {
		return out // measured by machines, not filled in by people
	}
	type track struct {
		at     []int64
		values []float64
	}
	tracks := map[string]*track{}
	for _, s := range e.Parts.Judge {
		for i, name := range s.Services {
			v, ok := s.Value(i, e.Task.Target)
			if !ok {
				continue
			}
			if tracks[name] == nil {
				tracks[name] = &track{}
			}
			tracks[name].at, tracks[name].values = append(tracks[name].at, s.At), append(tracks[name].values, v)
		}
	}
	for name, t := range tracks {
		for from := 1; from < len(t.values)-1; {
			to := from
			for to < len(t.values)-1 && straight(t.values[to-1:to+2]) {
				to++
			}
			need := linearRun
			if to > from && t.values[from] == t.values[from-1] {
				need = constantRun
			}
			if to-from >= need {
				for k := from; k < to; k++ {
					out[point{t.at[k], name}] = true
				}
			}
			from = max(to, from+1)
		}
	}
	return out
}

func straight(v []float64) bool {
	return math.Abs(v[2]-2*v[1]+v[0]) <= linearWithin*math.Max(math.Abs(v[1]), 1)
}
