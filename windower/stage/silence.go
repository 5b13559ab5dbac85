package stage

import "time"

// silence lets the event time of a partition without records follow the wall clock: from what it was
// when the last one came, by the time since, in steps.
type silence struct {
	since  time.Time // when it was at its end and brought something last; zero: it is not at its end
	high   int64     // highest event time then
	stepAt time.Time // when it was advanced last
}

// idle notes what reading brought, and reports whether the partition is idle.
func (s *silence) idle(now time.Time, g *Graph, atEnd, news bool, high int64) bool {
	if !atEnd {
		s.since = time.Time{}
		return false
	}
	if news || s.since.IsZero() {
		*s = silence{now, high, now}
	}
	return g.IdleTimeout > 0 && now.Sub(s.since) >= g.IdleTimeout
}

// step gives the event time that an idle partition goes on to; ok is false where it was a moment ago that it did.
func (s *silence) step(now time.Time, g *Graph) (to int64, ok bool) {
	if s.stepAt.After(s.since) && now.Sub(s.stepAt) < max(tellEvery, g.Width/4) {
		return 0, false
	}
	return s.high + now.Sub(s.since).Nanoseconds(), true
}
