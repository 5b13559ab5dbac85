package online

import "math"

// standing is how an entrant did on one service lately: sums of absolute errors in
// the target's unit, and of persistence's on the same points, that lose 2 % with each slice.
type standing struct {
	Own    float64 `json:"own"`
	Naive  float64 `json:"naive"`
	Points float64 `json:"points"`
}

const (
	standingKeep  = 0.98 // of the sums, from slice to slice
	standingPrior = 30.0 // points that the ratio over all services counts as
)

func (s *standing) add(own, naive float64) {
	s.Own += own
	s.Naive += naive
	s.Points++
}

// ratio is the error relative to persistence, drawn towards the ratio over all
// services while there are few points.
func (s *standing) ratio(pool float64) float64 {
	if s == nil || s.Points == 0 {
		return pool
	}
	if s.Naive == 0 {
		if s.Own == 0 {
			return pool
		}
		return math.Inf(1) // a series that does not move
	}
	prior := standingPrior * s.Naive / s.Points
	return (s.Own + pool*prior) / (s.Naive + prior)
}

// learn takes a slice's sums in.
func (e *entrant) learn(slice map[string]*standing, present int) {
	for name, s := range slice {
		old := e.standing[name]
		if old == nil {
			old = &standing{}
			e.standing[name] = old
		}
		old.Own = standingKeep*old.Own + s.Own
		old.Naive = standingKeep*old.Naive + s.Naive
		old.Points = standingKeep*old.Points + s.Points
	}
	if len(e.standing) > 4*present+1000 { // names that come and go for ever
		for name := range e.standing {
			if slice[name] == nil {
				delete(e.standing, name)
			}
		}
	}
}

// pooled is the entrant's error over all services relative to persistence in the
// last slices, 1 where there are too few to tell.
func (e *entrant) pooled() float64 {
	if len(e.live) < liveLeast {
		return 1
	}
	var own, naive loss
	for _, c := range e.live {
		own, naive = own.plus(c.Own), naive.plus(c.Persistence)
	}
	return own.against(naive)
}

// choice is a place among the entrants, by their ratios for one service in order:
// the network if no baseline is better, else the best baseline, the first of equals.
func choice(ratios []float64, network int) int {
	best := -1
	for k, r := range ratios {
		if math.IsNaN(r) {
			continue
		}
		if best < 0 || r < ratios[best] || k == network && r <= ratios[best] {
			best = k
		}
	}
	return best
}
