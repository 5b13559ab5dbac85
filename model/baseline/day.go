package baseline

import (
	"slices"

	"presage/model"
)

const dayNs = int64(24 * 3600 * 1e9)

// day remembers the target of the last period's slices.
type day struct {
	task   model.Task
	period int64 // nanoseconds, a day or a week
	ring   []row // in rising order of at
}

// row is one slice's targets.
type row struct {
	at, width int64
	services  []string
	values    []float64 // NaN where missing
}

// add remembers a step that is newer than all others, and forgets what is older
// than a period and the horizons.
func (d *day) add(s *model.Step) {
	if d.append(s) {
		d.trim()
	}
}

func (d *day) append(s *model.Step) bool {
	if n := len(d.ring); n > 0 && s.At <= d.ring[n-1].at {
		return false
	}
	r := row{at: s.At, width: s.Width, services: s.Services, values: missing(len(s.Services))}
	for i := range s.Services {
		if v, ok := s.Value(i, d.task.Target); ok {
			r.values[i] = v
		}
	}
	d.ring = append(d.ring, r)
	return true
}

// learn takes a whole history in; until trim it is remembered whole, so that
// windows of its beginning find their own day before.
func (d *day) learn(parts ...[]*model.Step) {
	d.ring = nil
	for _, steps := range parts {
		for _, s := range steps {
			d.append(s)
		}
	}
}

func (d *day) trim() {
	if len(d.ring) == 0 {
		return
	}
	newest := d.ring[len(d.ring)-1]
	oldest := newest.at - d.period - int64(d.task.Horizons)*newest.width
	k, _ := slices.BinarySearchFunc(d.ring, oldest, func(r row, at int64) int { return compare(r.at, at) })
	d.ring = d.ring[k:]
}

// overwrite puts the values of a period before into values [N, H] where known.
// A horizon beyond a period goes back as many periods as it needs to stay in the past.
func (d *day) overwrite(values []float64, origin *model.Step, period int64) {
	for h := range d.task.Horizons {
		ahead := int64(h+1) * origin.Width
		back := (ahead + period - 1) / period * period
		at := origin.At + ahead - back
		k, _ := slices.BinarySearchFunc(d.ring, at-origin.Width/2, func(r row, at int64) int { return compare(r.at, at) })
		if k == len(d.ring) || d.ring[k].at > at+origin.Width/2 || d.ring[k].at > origin.At {
			continue
		}
		for i, r := range model.Index(d.ring[k].services, origin.Services) {
			if r >= 0 && d.ring[k].values[r] == d.ring[k].values[r] {
				values[i*d.task.Horizons+h] = d.ring[k].values[r]
			}
		}
	}
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
