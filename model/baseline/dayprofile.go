package baseline

import (
	"fmt"
	"math"
	"slices"

	"presage/model"
)

// maxBins is how many parts of a day a profile tells apart, a quarter of an hour each: finer ones
// would be means of too few days.
const maxBins = 96

// dayProfile is each service's mean by time of day in the scaler's unit.
type dayProfile struct {
	Scaler   *model.Scaler `json:"scaler"`
	Services []string      `json:"services"` // sorted
	Bins     int           `json:"bins"`
	values   []float32     // [N, bins]
}

// learnProfile takes the means of steps. A time of day at which a service was never observed gets
// what lies on the line between its neighbours.
func learnProfile(t model.Task, sc *model.Scaler, steps []*model.Step) *dayProfile {
	p := &dayProfile{Scaler: sc, Bins: int(min(maxBins, max(1, dayNs/steps[0].Width)))}
	for name := range sc.Services {
		p.Services = append(p.Services, name)
	}
	slices.Sort(p.Services)
	sums, counts := make([]float64, len(p.Services)*p.Bins), make([]float64, len(p.Services)*p.Bins)
	for _, s := range steps {
		bin := int(float64(timeOfDay(s.At, s.Width)) / float64(dayNs) * float64(p.Bins))
		for i, r := range model.Index(p.Services, s.Services) {
			if v, ok := s.Value(i, t.Target); ok && r >= 0 {
				sums[int(r)*p.Bins+bin] += sc.Scaled(s.Services[i], v)
				counts[int(r)*p.Bins+bin]++
			}
		}
	}
	p.values = make([]float32, len(sums))
	for i := range p.Services {
		row := sums[i*p.Bins : (i+1)*p.Bins]
		for b := range row {
			row[b] /= counts[i*p.Bins+b] // NaN where nothing was observed
		}
		for b, v := range bridged(row) {
			p.values[i*p.Bins+b] = float32(v)
		}
	}
	return p
}

// timeOfDay is the middle of a slice in nanoseconds since midnight UTC.
func timeOfDay(at, width int64) int64 {
	return ((at+width/2)%dayNs + dayNs) % dayNs
}

// bridged fills the NaNs of a circle of values on lines between the known ones; zero where none is known.
func bridged(circle []float64) []float64 {
	n := len(circle)
	out := make([]float64, n)
	first := slices.IndexFunc(circle, func(v float64) bool { return v == v })
	if first < 0 {
		return out
	}
	known := first // the last known place, as the circle goes on
	for k := first + 1; k <= first+n; k++ {
		v := circle[k%n]
		if math.IsNaN(v) {
			continue
		}
		from := circle[known%n]
		for j := known + 1; j <= k; j++ {
			share := float64(j-known) / float64(k-known)
			out[j%n] = from + share*(v-from)
		}
		known = k
	}
	return out
}

// row is a service's place in the profile, -1 where it was never observed.
func (p *dayProfile) row(service string) int {
	if i, ok := slices.BinarySearch(p.Services, service); ok {
		return i
	}
	return -1
}

// at is the profile in a slice, on the line between the middles of its parts; 0, the service's own
// mean, for row -1.
func (p *dayProfile) at(row int, at, width int64) float64 {
	if row < 0 {
		return 0
	}
	place := float64(timeOfDay(at, width))/float64(dayNs)*float64(p.Bins) - 0.5
	low := math.Floor(place)
	share := place - low
	k := (int(low) + p.Bins) % p.Bins
	values := p.values[row*p.Bins : (row+1)*p.Bins]
	return (1-share)*float64(values[k]) + share*float64(values[(k+1)%p.Bins])
}

// tensor is the profile as it is stored.
func (p *dayProfile) tensor() model.Tensor {
	return model.Tensor{Shape: []int{len(p.Services), p.Bins}, Data: p.values}
}

// take puts a stored profile's values back.
func (p *dayProfile) take(t model.Tensor) error {
	if p.Scaler == nil || p.Bins < 1 || len(t.Data) != len(p.Services)*p.Bins {
		return fmt.Errorf("tensor \"profile\" has %d values, expected %d x %d", len(t.Data), len(p.Services), p.Bins)
	}
	p.values = t.Data
	return nil
}

// days is how long a history is, in days of slices that exist.
func days(steps []*model.Step) float64 {
	if len(steps) == 0 {
		return 0
	}
	return float64(len(steps)) * float64(steps[0].Width) / float64(dayNs)
}

// apart cuts a history of more than a day in two: a profile of the first part, at least a day and
// at least the half, meets unseen days in the second, by which constants are chosen.
func apart(t model.Task, train []*model.Step) (profile []*model.Step, unseen []model.Window) {
	cut := max(len(train)/2, int(dayNs/train[0].Width))
	cut = min(cut, len(train))
	return train[:cut], model.Windows(train[cut:], t.Input, t.Horizons)
}
