package windower

import (
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
	return &sources{lead: lead}
}

// take notes what the record at offset tells of its source. again says that the part had
// come before: an earlier owner of the source had written it.
func (s *sources) take(offset int64, told ingest.Source) (again bool) {
	if told.Partitions >= len(s.of) {
		s.of = append(s.of, make([]origin, told.Partitions-len(s.of))...)
		s.allAt = offset
	}
	o := &s.of[told.Partition]
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
	return again
}

// high is the event time up to which all sources have come, never while one has not been
// heard of. One that is behind by more than the lead does not hold it back any more: else a
// single one that hangs would keep every slice open.
func (s *sources) high() int64 {
	low, top := int64(ended), int64(never)
	waiting := false
	for i := range s.of {
		switch o := &s.of[i]; {
		case !o.heard:
			return never
		case o.high == waived:
		default:
			waiting = true
			low = min(low, o.high)
			if o.high != ended {
				top = max(top, o.high)
			}
		}
	}
	if top != never {
		low = max(low, top-s.lead)
	}
	if !waiting || low <= 0 {
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
	if len(s.of) > 0 {
		next = min(next, s.allAt)
	}
	for i := range s.of {
		if o := &s.of[i]; o.heard {
			next = min(next, o.atAt, o.highAt)
		}
	}
	return next
}
