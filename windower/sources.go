package windower

import (
	"math"
	"slices"

	"presage/ingest"
)

// DefaultSourceLead is by how much event time, in nanoseconds, the most advanced source
// partition of a re-keyed topic may lead the slowest one before that is no longer waited
// for: an hour, or ten slices where these are longer.
const DefaultSourceLead = 3_600_000_000_000

// waived is the highest event time of a source partition that nobody needs to wait for, as
// nothing with a time was ever written to it.
const waived = never + 1

// sources is what a re-keyed partition has heard of the partitions that its records were
// copied from. All of it follows from the log, and the last records of each source tell it
// whole: so a restart that listens from these on knows the same.
type sources struct {
	lead  int64
	of    []origin // by partition; there are as many as the source topic was said to have
	allAt int64    // offset of the last record that said that it has so many

	// What follows from these, so that a record costs the same however many there are.
	lowest minima // of their event times: never where one was not heard of, ended where it need not be waited for
	oldest minima // of the offsets that tell what is known of them
	top    int64  // the highest event time of those that have one
	heard  int    // how many were heard of
	waited int    // how many of them have to be waited for
}

// origin is one of them.
type origin struct {
	heard  bool
	at     place // the piece of it that came last
	high   int64 // its highest event time; never, waived, ended
	atAt   int64 // offset of the last record that told at
	highAt int64 // offset of the last record that told high
}

// place is that of a part in the log of its source: each writer writes all of them in this
// order, so what has come is always all up to some place.
type place struct{ offset, index int64 }

func (p place) less(o place) bool {
	return p.offset < o.offset || p.offset == o.offset && p.index < o.index
}

func newSources(lead, width int64) *sources {
	if lead == 0 {
		lead = max(DefaultSourceLead, 10*min(width, longest/10))
	}
	return &sources{lead: lead, top: never}
}

// take notes what the record at offset tells of its source. again says that the part had
// come before: an earlier owner of the source had written it.
func (s *sources) take(offset int64, told ingest.Source) (again bool) {
	if told.Partitions >= len(s.of) {
		if told.Partitions > len(s.of) {
			s.grow(told.Partitions)
		}
		s.allAt = offset
	}
	o := &s.of[told.Partition]
	before := *o
	at := place{told.Offset, told.Index}
	if again = o.heard && !o.at.less(at); !again || o.at == at {
		o.at, o.atAt = at, offset
	}
	high := told.High
	if high == never && told.Heartbeat() {
		high = waived
	}
	if !o.heard || high >= o.high {
		o.high, o.highAt = high, offset
	}
	o.heard = true
	s.note(told.Partition, before)
	return again
}

// grow makes room for so many sources, of which the new ones were not heard of.
func (s *sources) grow(partitions int) {
	s.of = append(s.of, make([]origin, partitions-len(s.of))...)
	s.lowest, s.oldest = newMinima(partitions), newMinima(partitions)
	for i := range s.of {
		s.lowest.set(i, s.of[i].low())
		s.oldest.set(i, s.of[i].since())
	}
}

// note keeps what follows from all sources, where one was something else before.
func (s *sources) note(partition int, before origin) {
	o := &s.of[partition]
	s.oldest.set(partition, o.since())
	if !before.heard {
		s.heard++
	}
	if before.heard && before.high == o.high {
		return
	}
	s.lowest.set(partition, o.low())
	if before.waited() {
		s.waited--
	}
	if o.waited() {
		s.waited++
	}
	switch o.high {
	case waived:
	case ended: // once for each source
		s.top = never
		for i := range s.of {
			if o := &s.of[i]; o.waited() && o.high != ended {
				s.top = max(s.top, o.high)
			}
		}
	default:
		s.top = max(s.top, o.high)
	}
}

// waited: it was heard of, and brings something.
func (o *origin) waited() bool { return o.heard && o.high != waived }

// low is up to where the source has come, for who waits for the lowest of all.
func (o *origin) low() int64 {
	switch {
	case !o.heard:
		return never
	case o.high == waived:
		return ended
	}
	return o.high
}

// since is the offset from which the log tells all that is known of the source.
func (o *origin) since() int64 {
	if !o.heard {
		return math.MaxInt64
	}
	return min(o.atAt, o.highAt)
}

// high is the event time up to which all sources have come, never while one has not been
// heard of. One that is behind by more than the lead does not hold it back any more: else a
// single one that hangs would keep every slice open.
func (s *sources) high() int64 {
	if s.waited == 0 || s.heard < len(s.of) {
		return never
	}
	low := s.lowest.least()
	if s.top != never {
		low = max(low, s.top-s.lead)
	}
	if low <= 0 {
		return never
	}
	return low
}

// empty reports whether all sources were heard of, and hold nothing.
func (s *sources) empty() bool {
	return len(s.of) > 0 && !slices.ContainsFunc(s.of, func(o origin) bool { return o.high != waived || !o.heard })
}

// since is the offset from which the log tells all that is known here; next where nothing is.
func (s *sources) since(next int64) int64 {
	if len(s.of) == 0 {
		return next
	}
	return min(next, s.allAt, s.oldest.least())
}
