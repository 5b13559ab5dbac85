package stgnn

import "presage/model"

// ring keeps the features of the slices of the last window, so that the next one has to
// diffuse (or convolve) its new slice only. Slices are known by their address: steps don't change.
type ring struct {
	kept map[*model.Step]*features
	// known are the places in the scaler of the services seen last; most slices have the same.
	services []string
	known    []int32
	made     int // slices diffused or convolved since the start
}

// places finds services in the scaler.
func (r *ring) places(sc *scaler, services []string) []int32 {
	if r.known == nil || !model.Same(r.services, services) {
		r.services, r.known = services, sc.rows(services)
	}
	return r.known
}

// window gives the features of a window, whose short front is nil. Slices with services
// that training never saw are made anew each time: their scales come from the window.
func (r *ring) window(l *basis, steps []*model.Step, newFeatures func(*model.Step, []int32, unseen) *features) ([]*features, unseen) {
	known := make([][]int32, len(steps))
	for t, s := range steps {
		if s != nil {
			known[t] = r.places(l.scale, s.Services)
		}
	}
	news := newUnseen(l.scale, l.channels, steps, known, l.cfg.Scaling)
	out := make([]*features, len(steps))
	kept := make(map[*model.Step]*features, len(steps))
	for t, s := range steps {
		if s == nil {
			continue
		}
		fresh := hasNews(known[t], news)
		if have := r.kept[s]; have != nil && !fresh {
			out[t] = have
		} else {
			out[t] = newFeatures(s, known[t], news)
			r.made++
		}
		if !fresh {
			kept[s] = out[t]
		}
	}
	r.kept = kept
	return out, news
}

// hasNews says whether a slice has a service that training never saw.
func hasNews(known []int32, news unseen) bool {
	if news == nil {
		return false
	}
	for _, row := range known {
		if row < 0 {
			return true
		}
	}
	return false
}
