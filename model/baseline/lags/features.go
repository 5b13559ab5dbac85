package lags

import (
	"fmt"
	"math"

	"presage/model"
)

// Features are the columns of the rows of a task and the scales they are measured in. Fields are
// exported for JSON, which is all there is to keep. Used by one goroutine at a time.
type Features struct {
	Task   model.Task    `json:"task"`
	Graph  bool          `json:"graph"` // callers, callees and the service's other channels too
	Clock  bool          `json:"clock"` // time of day
	Scaler *model.Scaler `json:"scaler"`
	Others []Other       `json:"others,omitempty"`

	frames  map[*model.Step]*frame
	rows    Rows
	index   []int32
	history [3][]float64 // [N, T] own, callers', callees'
	others  []float64    // [N, others]
}

// Other is one of a service's channels besides the target, as log(x + 1), standardised.
type Other struct {
	Channel int           `json:"channel"`
	Scaler  *model.Scaler `json:"scaler"`
}

// waves is how many sines and cosines of the time of day there are of each.
const waves = 2

// clockFrom is the history in nanoseconds from which on the time of day is a column.
const clockFrom = int64(2 * 24 * 3600 * 1e9)

// Fit learns the scales from the training steps.
func Fit(t model.Task, graph bool, train []*model.Step) *Features {
	f := &Features{Task: t, Graph: graph, Scaler: model.FitScaler(t, train)}
	if len(train) > 0 {
		f.Clock = int64(len(train))*train[0].Width >= clockFrom
	}
	if graph {
		for c, name := range t.Channels {
			switch name {
			case model.ChannelResponseTime, model.ChannelRequests, model.ChannelErrors, model.ChannelCPU:
				if c != t.Target {
					other := model.Task{Channels: t.Channels, Target: c, Log: true}
					f.Others = append(f.Others, Other{Channel: c, Scaler: model.FitScaler(other, train)})
				}
			}
		}
	}
	return f
}

// Names are the columns' names, [F]: of each series the last value (a neighbours' one less the own one),
// then the differences of earlier values from it.
func (f *Features) Names() []string {
	var names []string
	series := []string{"own"}
	if f.Graph {
		series = append(series, "callers", "callees")
	}
	for _, s := range series {
		for k := range f.Task.Input {
			names = append(names, fmt.Sprintf("%s-%d", s, k))
		}
	}
	for _, o := range f.Others {
		names = append(names, f.Task.Channels[o.Channel])
	}
	if f.Clock {
		for k := range waves {
			names = append(names, fmt.Sprintf("sin-%d", k+1), fmt.Sprintf("cos-%d", k+1))
		}
	}
	return names
}

// Rows are a window's rows. They are memory of the Features, which the next Rows overwrites.
type Rows struct {
	Services []string  // [N] of the window's last step
	Columns  int       // F
	X        []float64 // [N, F]
	Last     []float64 // [N] last observed value, scaled; NaN where there is none
}

// Row is X of one service.
func (r Rows) Row(i int) []float64 { return r.X[i*r.Columns : (i+1)*r.Columns] }

// Rows makes the rows of a window of at least one step. Of a longer window than T the last T steps
// count; before the first observation its value stands.
func (f *Features) Rows(window []*model.Step) Rows {
	t := f.Task.Input
	window = window[max(0, len(window)-t):]
	origin := window[len(window)-1]
	n := len(origin.Services)
	f.gather(window)
	r := &f.rows
	r.Services, r.Columns = origin.Services, f.columns()
	r.X, r.Last = sized(r.X, n*r.Columns), sized(r.Last, n)
	var clock []float64
	if f.Clock {
		clock = timeOfDay(origin)
	}
	for i := range n {
		own := f.history[0][i*t : (i+1)*t]
		row := r.Row(i)
		clear(row)
		r.Last[i] = math.NaN()
		if !carry(own) {
			continue
		}
		last := own[t-1]
		r.Last[i] = last
		row[0] = last
		row = differences(row[1:], own)
		if f.Graph {
			for _, h := range f.history[1:] {
				h = h[i*t : (i+1)*t]
				if !carry(h) {
					clear(h) // without neighbours: as if they stood at their mean
				}
				row[0] = h[t-1] - last
				row = differences(row[1:], h)
			}
		}
		row = row[copy(row, f.others[i*len(f.Others):(i+1)*len(f.Others)]):]
		copy(row, clock)
	}
	return *r
}

func (f *Features) columns() int {
	n := f.Task.Input + len(f.Others)
	if f.Graph {
		n += 2 * f.Task.Input
	}
	if f.Clock {
		n += 2 * waves
	}
	return n
}

// Changes are the changes [N, H] from the last value, scaled, in a window whose rows were just made;
// NaN where the target or the last value is missing.
func (f *Features) Changes(w model.Window, r Rows, into []float64) []float64 {
	h := f.Task.Horizons
	into = sized(into, len(r.Services)*h)
	f.index = sized(f.index, len(r.Services))
	for k, step := range w.Target {
		model.IndexInto(f.index, step.Services, r.Services)
		for i, at := range f.index {
			into[i*h+k] = math.NaN()
			if at < 0 {
				continue
			}
			if v, ok := step.Value(int(at), f.Task.Target); ok {
				into[i*h+k] = f.Scaler.Scaled(r.Services[i], v) - r.Last[i]
			}
		}
	}
	return into
}

// Natural is the value in the target's unit that lies a scaled change from a service's scaled last value.
func (f *Features) Natural(service string, last, change float64) float64 {
	v := f.Scaler.Natural(service, last+change)
	if f.Task.Log && v < 0 {
		return 0
	}
	return v
}

// carry fills gaps with the value before, and what lies before the first value with that; it reports
// whether there is a value at all.
func carry(values []float64) bool {
	first := -1
	for k, v := range values {
		switch {
		case !math.IsNaN(v):
			if first < 0 {
				first = k
			}
		case first >= 0:
			values[k] = values[k-1]
		}
	}
	for k := range max(first, 0) {
		values[k] = values[first]
	}
	return first >= 0
}

// differences writes T − 1 earlier values less the last one, the newest first, and gives what is left of row.
func differences(row, values []float64) []float64 {
	t := len(values)
	for k := 1; k < t; k++ {
		row[k-1] = values[t-1-k] - values[t-1]
	}
	return row[t-1:]
}

func timeOfDay(s *model.Step) []float64 {
	const day = int64(24 * 3600 * 1e9)
	phase := 2 * math.Pi * float64((s.At%day+day)%day) / float64(day)
	out := make([]float64, 0, 2*waves)
	for k := range waves {
		sin, cos := math.Sincos(float64(k+1) * phase)
		out = append(out, sin, cos)
	}
	return out
}

// sized is memory of n elements, the given one where it is large enough.
func sized[E any](v []E, n int) []E {
	if cap(v) < n {
		return make([]E, n)
	}
	return v[:n]
}

// Check refuses restored features that are not of the given task.
func (f *Features) Check(t model.Task, graph bool) error {
	if f.Scaler == nil || f.Graph != graph || !f.Task.Equal(t) {
		return fmt.Errorf("the features are of task %+v, graph %v; expected %+v, graph %v", f.Task, f.Graph, t, graph)
	}
	return nil
}
