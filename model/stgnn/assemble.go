package stgnn

import (
	"math"

	"presage/model"
)

// rowWidth is the number of inputs of one service's row:
//
//	T × Cd × ways  diffused values less the service's own last value
//	Cd × T         own diffused channels: earlier values less the last, then the last
//	Co × T         own other channels
//	T + 1          mask of the target, age of its last value
//	2              mean less last of the target in the window, log of the change's unit (of the spread, without one)
//	2              standing among the services
//	2              log degrees
//	4              phases of day and week
func (l *learned) rowWidth() int {
	t := l.task.Input
	cd, co := len(l.channels.diffused), len(l.channels.own)
	return t*cd*ways + cd*t + co*t + t + 1 + 2 + 2 + 2 + clockFeatures
}

// view is a window of features, aligned to the services of its last slice.
type view struct {
	slices []*features // [T], nil where the window is short
	rows   [][]int32   // [T] row of each service in that slice; nil where it is the same row
	at     int64
	news   unseen
}

// newView aligns a window; the last slice is there.
func newView(slices []*features, at int64, news unseen) view {
	v := align(slices, slices[len(slices)-1].services)
	v.at, v.news = at, news
	return v
}

// align finds services in each of slices.
func align(slices []*features, services []string) view {
	v := view{slices: slices, rows: make([][]int32, len(slices))}
	for t, s := range slices {
		if s != nil && !model.Same(s.services, services) {
			v.rows[t] = model.Index(s.services, services)
		}
	}
	return v
}

// row finds service i in slice t, or -1.
func (v view) row(t, i int) int {
	switch {
	case v.slices[t] == nil:
		return -1
	case v.rows[t] == nil:
		return i
	}
	return int(v.rows[t][i])
}

// series copies one channel of service i along the window and carries values forward;
// what comes before the first one takes its value. It returns the age of the last value in slices, or
// len(out) if there is none (out is zero then).
func (v view) series(i, channel, f int, out []float32) (age int) {
	first := -1
	age = len(out)
	var now float32
	for t := range out {
		if r := v.row(t, i); r >= 0 {
			if z := v.slices[t].z[r*f+channel]; z == z {
				now, age = z, -1
				if first < 0 {
					first = t
				}
			}
		}
		if age < len(out) {
			age++
		}
		out[t] = now
	}
	for t := range max(first, 0) {
		out[t] = out[first]
	}
	return age
}

// assemble writes the inputs of service i into x, which has rowWidth elements, and returns
// what the change is added to, the last target value, and the unit that the change is in.
func (l *learned) assemble(v view, i int, x []float32) (base, unit float32) {
	f, n := len(l.task.Channels), l.task.Input
	cd := len(l.channels.diffused)
	clear(x)
	at := 0
	take := func(k int) []float32 {
		at += k
		return x[at-k : at]
	}

	neighbours := take(n * cd * ways)
	age, local := 0, 0.0
	for k, c := range l.channels.diffused {
		own := take(n)
		a := v.series(i, c, f, own)
		last := own[n-1]
		for t := range n {
			r := v.row(t, i)
			if r < 0 {
				continue
			}
			d := v.slices[t].d[(r*cd+k)*ways : (r*cd+k+1)*ways]
			out := neighbours[(t*cd+k)*ways:]
			for w, z := range d {
				if z == z {
					out[w] = z - last
				}
			}
		}
		for t := range n - 1 {
			own[t] -= last
		}
		if k == 0 {
			base, age = last, a
			local = spread(own[:n-1])
			unit = l.unit(l.identity(v, i), local, n-1)
			for t := range n - 1 {
				own[t] /= unit
			}
		}
	}
	for _, c := range l.channels.own {
		v.series(i, c, f, take(n))
	}

	mask := take(n + 1)
	for t := range n {
		if r := v.row(t, i); r >= 0 {
			if z := v.slices[t].z[r*f+l.task.Target]; z == z {
				mask[t] = 1
			}
		}
	}
	mask[n] = float32(age) / float32(n)
	var sum float32
	target := x[n*cd*ways : n*cd*ways+n-1]
	for _, z := range target {
		sum += z
	}
	window := take(2)
	window[0], window[1] = sum/float32(n), float32(math.Log(float64(unit)))
	if !l.guarded() {
		window[1] = float32(math.Log(local + 0.05))
	}
	last := v.slices[n-1]
	copy(take(2), l.standing(v, last, i))
	copy(take(2), last.degree[2*i:2*i+2])
	l.clock.encode(v.at, take(clockFeatures))
	if l.guarded() {
		for k, z := range x {
			x[k] = bounded(z)
		}
	}
	return base, unit
}

// maxInput is where bounded begins to bend, in deviations.
const maxInput = 2

// bounded compresses what the network reads beyond maxInput along a logarithm: outside of
// what training holds the network would extrapolate, while the value that its change is added to
// stays what it is. NaN stays NaN.
func bounded(z float32) float32 {
	switch {
	case z > maxInput:
		return maxInput + float32(math.Log1p(float64(z-maxInput)))
	case z < -maxInput:
		return -maxInput - float32(math.Log1p(float64(-maxInput-z)))
	}
	return z
}

// standing is where the target of service i stands among those of training.
func (l *learned) standing(v view, last *features, i int) []float32 {
	f, c := len(l.task.Channels), l.task.Target
	if row := last.known[i]; row >= 0 {
		at := 2 * (int(row)*f + c)
		return l.scale.level[at : at+2]
	}
	if n, ok := v.news[last.services[i]]; ok {
		return n.level[2*c : 2*c+2]
	}
	return nil
}
