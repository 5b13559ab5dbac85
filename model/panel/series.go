package panel

import (
	"math"
	"slices"
	"time"

	"presage/model"
)

// series is a part of a history as one dense array over the panel's services.
type series struct {
	steps   []*model.Step
	values  []float32 // [S, N, F] scaled, NaN where missing
	origins []int
}

func (l *learned) newSeries(steps []*model.Step) *series {
	n, f := len(l.services), len(l.task.Channels)
	s := &series{steps: steps, values: make([]float32, len(steps)*n*f), origins: model.Origins(steps, l.task.Input, l.task.Horizons)}
	for i := range s.values {
		s.values[i] = float32(math.NaN())
	}
	for k := range steps {
		at := s.values[k*n*f : (k+1)*n*f]
		eachValue(l.services, steps[k:k+1], func(row, c int, v float32) { at[row*f+c] = l.scale.scaled(row, c, v) })
	}
	return s
}

// batch assembles the windows with the given origins; with targets if training is set.
func (l *learned) batch(b *Batch, s *series, origins []int, training bool) {
	n, h := len(l.services), l.task.Horizons
	l.size(b, len(origins))
	b.Level = h
	for k, o := range origins {
		l.input(b, k, s, o-l.task.Input+1)
		l.clock(b, k, s.steps[o])
	}
	b.Y, b.Weight = b.Y[:0], b.Weight[:0]
	if !training {
		b.Y, b.Weight = nil, nil
		return
	}
	f := len(l.task.Channels)
	for _, o := range origins {
		for step := 1; step <= h; step++ {
			at := s.values[(o+step)*n*f : (o+step+1)*n*f]
			for i := range n {
				y, w := at[i*f+l.task.Target], float32(1)
				if y != y {
					y, w = 0, 0
				}
				b.Y, b.Weight = append(b.Y, y), append(b.Weight, w)
			}
		}
	}
}

func (l *learned) size(b *Batch, windows int) {
	t, n, c := l.task.Input, len(l.services), l.inputs()
	b.Size = windows
	b.X = slices.Grow(b.X[:0], windows*t*n*c)[:windows*t*n*c]
	b.Day = slices.Grow(b.Day[:0], windows*(t+l.task.Horizons))[:windows*(t+l.task.Horizons)]
	b.Week = slices.Grow(b.Week[:0], windows*(t+l.task.Horizons))[:windows*(t+l.task.Horizons)]
}

// input writes window k, whose first slice is at place from of the series.
func (l *learned) input(b *Batch, k int, s *series, from int) {
	t, n, f, c := l.task.Input, len(l.services), len(l.task.Channels), l.inputs()
	x := b.X[k*t*n*c : (k+1)*t*n*c]
	for step := range t {
		at := s.values[(from+step)*n*f : (from+step+1)*n*f]
		day := float32(dayShare(s.steps[from+step].At))
		for i := range n {
			out := x[(step*n+i)*c : (step*n+i+1)*c]
			for j, channel := range l.channels {
				v := at[i*f+channel]
				if v != v && step > 0 {
					v = x[((step-1)*n+i)*c+j]
				}
				out[j] = v
			}
			next := len(l.channels)
			if l.recipe.Attributes {
				out[next] = 1
				if v := at[i*f+l.task.Target]; v != v {
					out[next] = 0
				}
				next++
			}
			if l.recipe.Day {
				out[next] = day
			}
		}
	}
	l.backfill(x)
}

// backfill gives what no earlier value can stand for the first later one, or zero, the training's mean.
func (l *learned) backfill(x []float32) {
	t, n, c := l.task.Input, len(l.services), l.inputs()
	for i := range n {
		for j := range l.channels {
			first := 0
			for first < t && math.IsNaN(float64(x[(first*n+i)*c+j])) {
				first++
			}
			if first == 0 {
				continue
			}
			v := float32(0)
			if first < t {
				v = x[(first*n+i)*c+j]
			}
			for step := range first {
				x[(step*n+i)*c+j] = v
			}
		}
	}
}

// clock writes the times of a window's slices.
func (l *learned) clock(b *Batch, k int, origin *model.Step) {
	width := l.task.Input + l.task.Horizons
	for step := range width {
		at := origin.At + int64(step-l.task.Input+1)*origin.Width
		b.Day[k*width+step] = float32(dayShare(at))
		b.Week[k*width+step] = 0
		if l.week {
			b.Week[k*width+step] = weekday(at)
		}
	}
}

const day = int64(24 * time.Hour)

// weekday is Monday 0 to Sunday 6, UTC.
func weekday(at int64) int32 { return (int32(time.Unix(0, at).UTC().Weekday()) + 6) % 7 }

// dayShare is the time of day, UTC, as a share of the day.
func dayShare(at int64) float64 {
	return float64((at%day+day)%day) / float64(day)
}
