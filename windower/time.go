package windower

import (
	"math"

	"presage/ingest"
)

// FutureSlack is how far an event may lie beyond the timestamp of the record
// that brings it, in nanoseconds. What is further ahead is taken to be that far ahead,
// so that one wrong clock can't close everybody's slices.
const FutureSlack = 5_000_000_000

const (
	// latestTime bounds event times and spans of time (the year 2116), so that
	// sums of a few of them can't overflow.
	latestTime = 1 << 62
	longest    = 1 << 58 // of Width, Lateness and TombstoneTTL: nine years

	// never stands before every event time, ended after every one: the highest
	// event time of a partition that held nothing yet, and of one that said that
	// nothing comes any more.
	never = math.MinInt64
	ended = math.MaxInt64
)

// floorDiv is a / b rounded down; b is positive.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// clamp is the event time of something that says it happened at t and came in a
// record of the given time. Records without a timestamp clamp nothing.
func clamp(t, recordTime int64) int64 {
	if recordTime <= 0 || recordTime > latestTime {
		return t
	}
	return min(t, recordTime+FutureSlack)
}

// eventTime is when a span ended, as far as it can be believed.
func eventTime(s *ingest.Span, recordTime int64) (t int64, ok bool) {
	if s.Start <= 0 || s.End < s.Start {
		return 0, false
	}
	t = clamp(s.End, recordTime)
	return t, t < latestTime
}

// marked is the highest event time after the watermark and the final mark of a record; ok
// is false where the watermark is none.
func marked(b *ingest.Batch, high int64) (after int64, ok bool) {
	ok = true
	if b.Watermark > 0 && b.Watermark < latestTime {
		high = max(high, clamp(b.Watermark, b.Time))
	} else {
		ok = b.Watermark == 0
	}
	if b.Final {
		high = ended
	}
	return high, ok
}

// times turns highest event times into watermarks and slices of one graph. The
// highest event time is called high; it may be never or ended.
type times struct{ width, lateness, ttl int64 }

func (t times) watermark(high int64) int64 {
	if high == never || high == ended {
		return high
	}
	return high - t.lateness
}

// slice is the index of the slice that holds an event time.
func (t times) slice(at int64) int64 {
	if at == never {
		return never
	}
	return floorDiv(at, t.width)
}

// firstOpen is the lowest index of a slice that isn't closed at high.
func (t times) firstOpen(high int64) int64 { return t.slice(t.watermark(high)) }

// firstRemembered is the lowest index of a slice whose halves aren't forgotten
// at high.
func (t times) firstRemembered(high int64) int64 {
	w := t.watermark(high)
	if w == never || w == ended {
		return t.slice(w)
	}
	return t.slice(w - t.ttl)
}
