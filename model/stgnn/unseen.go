package stgnn

import "presage/model"

// unseen are the scales of a window's services that training never saw, by name. They
// come from the values of that window alone, blended with the pooled statistics, so that a
// forecast stays a function of its window.
type unseen map[string]newcomer

// newcomer is what a window tells about a service: [F] scales and, of the target, where it stands
// among the services of training.
type newcomer struct {
	scales []stat
	level  []float32 // [F, 2]
}

// newUnseen looks at the whole window; nil if training knows every service. places are
// those of each step's services in the scaler.
func newUnseen(sc *scaler, ch channels, window []*model.Step, places []placed, scaling string) unseen {
	var sums map[string][]model.Moments
	f := len(ch.log)
	for k, s := range window {
		if s == nil {
			continue
		}
		for i, row := range places[k].known {
			if row >= 0 {
				continue
			}
			if sums == nil {
				sums = map[string][]model.Moments{}
			}
			m := sums[s.Services[i]]
			if m == nil {
				m = make([]model.Moments, f)
				sums[s.Services[i]] = m
			}
			for c := range f {
				if s.Mask[i*f+c] != 0 {
					m[c].Add(float64(ch.forward(c, s.Values[i*f+c])))
				}
			}
		}
	}
	if sums == nil {
		return nil
	}
	u := make(unseen, len(sums))
	for name, m := range sums {
		n := newcomer{scales: make([]stat, f)}
		for c := range f {
			n.scales[c] = sc.pooled[c]
			if scaling == ScalePerService {
				n.scales[c] = sc.blend(c, m[c])
			}
			n.level = append(n.level, sc.standing(c, m[c])...)
		}
		u[name] = n
	}
	return u
}
