package stgnn

import "presage/model"

// ring keeps the features of the slices of the last window, so that the next one has to
// diffuse (or convolve) its new slice only. Slices are known by their address: steps don't change.
type ring struct {
	kept   []held
	before []held      // the last window's, and memory for the next one's
	loose  []*features // of the last window's slices that are made anew each time
	spare  []*features // nobody reads them any more

	out    []*features // [T] the window's
	placed []placed    // [T]

	now  placed // of the services seen last; most slices have the same
	made int    // slices diffused or convolved since the start
}

// held is a slice with its features.
type held struct {
	step     *model.Step
	features *features
}

// placed are services and their places in the scaler.
type placed struct {
	services []string
	known    []int32
	whole    bool // training saw all of them
}

// places finds services in the scaler.
func (r *ring) places(sc *scaler, services []string) placed {
	if r.now.known == nil || !model.Same(r.now.services, services) {
		r.now = placed{services, sc.rows(services), true}
		for _, row := range r.now.known {
			r.now.whole = r.now.whole && row >= 0
		}
	}
	return r.now
}

// reused is memory for features: that of a slice which left the window, where there is one.
func (r *ring) reused() *features {
	if r == nil || len(r.spare) == 0 {
		return &features{}
	}
	last := len(r.spare) - 1
	f := r.spare[last]
	r.spare = r.spare[:last]
	return f
}

// window gives the features of a window, whose short front is nil. Slices with services
// that training never saw are made anew each time: their scales come from the window. The features are
// valid until the next call.
func (r *ring) window(l *basis, steps []*model.Step, newFeatures func(*model.Step, []int32, unseen) *features) ([]*features, unseen) {
	news := r.prepare(l, steps)
	r.retire()
	for t, s := range steps {
		if s == nil {
			continue
		}
		p := &r.placed[t]
		if r.out[t] == nil {
			r.out[t] = newFeatures(s, p.known, news)
			r.out[t].services = p.services // shared, which makes them cheap to compare
			r.made++
		}
		if p.whole {
			r.kept = append(r.kept, held{s, r.out[t]})
		} else {
			r.loose = append(r.loose, r.out[t])
		}
	}
	return r.out, news
}

// prepare finds the window's services in the scaler and the features that are there already.
func (r *ring) prepare(l *basis, steps []*model.Step) (news unseen) {
	r.kept, r.before = r.before[:0], r.kept
	r.out, r.placed = sized(r.out, len(steps)), sized(r.placed, len(steps))
	whole := true
	for t, s := range steps {
		r.out[t], r.placed[t] = nil, placed{}
		if s == nil {
			continue
		}
		r.placed[t] = r.places(l.scale, s.Services)
		whole = whole && r.placed[t].whole
		for k := range r.before {
			if b := &r.before[k]; b.step == s && b.features != nil && r.placed[t].whole {
				r.out[t], b.features = b.features, nil
			}
		}
	}
	if whole {
		return nil
	}
	return newUnseen(l.scale, l.channels, steps, r.placed, l.cfg.Scaling)
}

// retire makes spare what is no part of the window any more.
func (r *ring) retire() {
	r.spare = append(r.spare[:0], r.loose...)
	r.loose = r.loose[:0]
	for _, b := range r.before {
		if b.features != nil {
			r.spare = append(r.spare, b.features)
		}
	}
	clear(r.before)
}
