package stgnn

import (
	"presage/model"
	"presage/model/tensor/arena"
)

// view is a window of features, aligned to the services of its last slice.
type view struct {
	slices []*features // [T], nil where the window is short
	rows   [][]int32   // [T] row of each service in that slice; nil where it is the same row
	at     int64
	news   unseen
}

// views makes views in memory of its own, which reset takes back from all of them at once.
type views struct {
	lists arena.Arena[[]int32]
	index arena.Arena[int32]
}

func (m *views) reset() {
	m.lists.Reset()
	m.index.Reset()
}

// window aligns a window; the last slice is there.
func (m *views) window(slices []*features, at int64, news unseen) view {
	v := m.align(slices, slices[len(slices)-1].services)
	v.at, v.news = at, news
	return v
}

// align finds services in each of slices.
func (m *views) align(slices []*features, services []string) view {
	v := view{slices: slices, rows: m.lists.Take(len(slices))}
	for t, s := range slices {
		v.rows[t] = nil
		if s != nil && !model.Same(s.services, services) {
			v.rows[t] = m.index.Take(len(services))
			model.IndexInto(v.rows[t], s.services, services)
		}
	}
	return v
}

// same tells views by the memory of their slices.
func (v *view) same(u *view) bool {
	return &v.slices[0] == &u.slices[0] && len(v.slices) == len(u.slices)
}

// last is the features of the window's last slice.
func (v *view) last() *features { return v.slices[len(v.slices)-1] }

// row finds service i in slice t, or -1.
func (v *view) row(t, i int) int {
	switch {
	case v.slices[t] == nil:
		return -1
	case v.rows[t] == nil:
		return i
	}
	return int(v.rows[t][i])
}

// place finds services in all slices: at[t*assembleRows+k] is the k-th one's row in slice t, or -1.
func (v *view) place(services []int, at []int32) {
	for t, rows := range v.rows {
		at := at[t*assembleRows:][:len(services)]
		switch {
		case v.slices[t] == nil:
			for k := range at {
				at[k] = -1
			}
		case rows == nil:
			for k, i := range services {
				at[k] = int32(i)
			}
		default:
			for k, i := range services {
				at[k] = rows[i]
			}
		}
	}
}

// series copies one of f channels of service i along the window and carries values forward. The
// age is carry's.
func (v *view) series(i, channel, f int, out []float32) (age int) {
	for t := range out {
		out[t] = missing()
		if r := v.row(t, i); r >= 0 {
			out[t] = v.slices[t].z[r*f+channel]
		}
	}
	return carry(out)
}

// carry fills what is missing in a series with the value before; what comes before the first one
// takes that. It returns the age of the last value in slices, or len(series) if there is none
// (the series is zero then).
func carry(series []float32) (age int) {
	first := 0
	for first < len(series) && series[first] != series[first] {
		first++
	}
	if first == len(series) {
		clear(series)
		return first
	}
	now := series[first]
	for t := range first {
		series[t] = now
	}
	for t := first; t < len(series); t++ {
		if z := series[t]; z == z {
			now, age = z, 0
			continue
		}
		series[t] = now
		age++
	}
	return age
}
