package evaluation

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"presage/model"
)

// Data is a history and what is asked of it.
type Data struct {
	Name  string
	Steps []*model.Step
	Task  model.Task
	// Valid and Test are shares of the windows: to stop by, and to score on.
	Valid, Test float64
	// BySegment cuts between segments only: no part shares a fault window with another.
	BySegment bool
	// Stride is the distance between scored windows, in slices; 0 means 1.
	Stride int
	// Lead is the number of slices before an origin that must be there beside the input, so that histories of
	// different lengths are scored on the same origins; 0 means none.
	Lead int
	// Floors are known of generated worlds. Their origins are scored whatever the stride.
	Floors []Floor
}

// Exam is a history cut into parts, with the truths of all scored windows.
type Exam struct {
	Data
	Parts    model.Parts
	Services []string       // [N] of all scored windows
	Windows  []model.Window // [V + W] in time order: of validation, then of test
	First    int            // V, the first window of the test part
	Truth    []float32      // [W, N, H], NaN where missing
	Weight   []float32      // [W, N, H] calls of the target slice, 1 where the task has no load
	Linear   []bool         // [W, N, H] targets within an exactly linear run: interpolated, and so known beforehand
	Scaler   *model.Scaler  // of the training part
}

// NewExam cuts a history. It fails where a part would hold no window, and names what is wrong with the values.
func NewExam(d Data) (*Exam, error) {
	if err := d.Task.Validate(); err != nil {
		return nil, err
	}
	d.Stride = max(d.Stride, 1)
	if err := checkSteps(d.Steps, d.Task); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	e := &Exam{Data: d}
	var err error
	if d.BySegment {
		e.Parts, err = splitSegments(d)
	} else {
		e.Parts, err = model.Split(d.Steps, d.Task.Input, d.Task.Horizons, d.Valid, d.Test)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Name, err)
	}
	e.Scaler = model.FitScaler(d.Task, e.Parts.Train)
	e.Windows = e.strided(e.Parts.Valid)
	e.First = len(e.Windows)
	e.Windows = append(e.Windows, e.strided(e.Parts.Judge)...)
	if len(e.Windows) == e.First {
		return nil, fmt.Errorf("%s: no test window has %d slices before it", d.Name, d.Lead)
	}
	e.truths()
	return e, nil
}

// strided lists the windows that are scored. Their capacity ends with them: what comes after can't be reached.
func (e *Exam) strided(steps []*model.Step) []model.Window {
	var out []model.Window
	always := map[int64]bool{}
	for _, f := range e.Floors {
		for _, at := range f.Origins {
			always[at] = true
		}
	}
	t, h := e.Task.Input, e.Task.Horizons
	for _, o := range model.Origins(steps, t, h) {
		if !e.onStride(steps[o]) && !always[steps[o].At] || o+1 < e.Lead || e.Lead > 0 && steps[o+1-e.Lead].Segment != steps[o].Segment {
			continue
		}
		out = append(out, model.Window{Input: steps[o-t+1 : o+1 : o+1], Target: steps[o+1 : o+1+h : o+1+h]})
	}
	return out
}

// onStride picks origins by the clock, so that histories that begin elsewhere are scored on the same ones.
func (e *Exam) onStride(s *model.Step) bool { return (s.At+s.Width)/s.Width%int64(e.Stride) == 0 }

// splitSegments gives whole segments to each part, in time order, until it holds its share of the windows.
func splitSegments(d Data) (model.Parts, error) {
	t, h := d.Task.Input, d.Task.Horizons
	total := len(model.Origins(d.Steps, t, h))
	trainShare := 1 - d.Valid - d.Test
	var p model.Parts
	done := 0
	for from := 0; from < len(d.Steps); {
		to := from + 1
		for to < len(d.Steps) && d.Steps[to].Segment == d.Steps[from].Segment {
			to++
		}
		share := float64(done) / float64(max(total, 1))
		switch {
		case share < trainShare:
			p.Train = append(p.Train, d.Steps[from:to]...)
		case share < trainShare+d.Valid:
			p.Valid = append(p.Valid, d.Steps[from:to]...)
		default:
			p.Judge = append(p.Judge, d.Steps[from:to]...)
		}
		done += len(model.Origins(d.Steps[from:to], t, h))
		from = to
	}
	for name, part := range map[string][]*model.Step{"training": p.Train, "validation": p.Valid, "test": p.Judge} {
		if len(model.Origins(part, t, h)) == 0 {
			return p, fmt.Errorf("%d slices leave no %s window of %d + %d slices where parts may not share a segment", len(d.Steps), name, t, h)
		}
	}
	return p, nil
}

// checkSteps names what no method could work on.
func checkSteps(steps []*model.Step, t model.Task) error {
	if len(steps) == 0 {
		return fmt.Errorf("the history is empty")
	}
	seen := false
	for _, s := range steps {
		if f := s.Channels(); len(s.Services) > 0 && f != len(t.Channels) {
			return fmt.Errorf("slice %d has %d channels, expected %d", s.At, f, len(t.Channels))
		}
		for i, v := range s.Values {
			if s.Mask[i] != 0 && (math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)) {
				return fmt.Errorf("slice %d: service %q, channel %q is %v although marked as observed",
					s.At, s.Services[i/s.Channels()], t.Channels[i%s.Channels()], v)
			}
		}
		for i := range s.Services {
			_, ok := s.Value(i, t.Target)
			seen = seen || ok
		}
	}
	if !seen {
		return fmt.Errorf("no service has a single observation of %q", t.Channels[t.Target])
	}
	return nil
}

// truths collects what the scored windows' targets were.
func (e *Exam) truths() {
	named := map[string]bool{}
	for _, w := range e.Windows[e.First:] {
		for _, s := range w.Origin().Services {
			named[s] = true
		}
	}
	e.Services = slices.Sorted(maps.Keys(named))
	n, h := len(e.Services), e.Task.Horizons
	size := (len(e.Windows) - e.First) * n * h
	e.Truth, e.Weight, e.Linear = make([]float32, size), make([]float32, size), make([]bool, size)
	load := slices.Index(e.Task.Channels, model.ChannelRequests)
	linear := e.interpolated()
	for w, window := range e.Windows[e.First:] {
		for step, target := range window.Target {
			rows := model.Index(target.Services, e.Services)
			for i, r := range rows {
				at := (w*n+i)*h + step
				e.Truth[at], e.Weight[at] = float32(math.NaN()), 1
				if r < 0 {
					continue
				}
				if v, ok := target.Value(int(r), e.Task.Target); ok {
					e.Truth[at] = float32(v)
				}
				if load >= 0 {
					calls, _ := target.Value(int(r), load)
					e.Weight[at] = float32(calls)
				}
				e.Linear[at] = linear[point{target.At, e.Services[i]}]
			}
		}
	}
}

// Tests is W, the number of scored windows.
func (e *Exam) Tests() int { return len(e.Windows) - e.First }
