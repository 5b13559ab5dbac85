package replay

import (
	"fmt"
	"log/slog"
	"time"
)

// Options say what of a recording is replayed, where to and how fast.
type Options struct {
	SpansTopic   string // records with spans; required
	MetricsTopic string // records with metrics; empty: metrics are left out and counted

	Speed  float64 // event time against wall time: 1, 60, …; 0: as fast as it goes
	From   Moment  // items before it are left out; zero: from the start
	To     Moment  // items from it on are left out; zero: to the end
	Limit  int64   // spans, over all turns; 0: no limit
	Loop   bool    // start again after the end, for ever; no final watermark is written
	Rebase bool    // shift the recording to end now, at speed 1 to start now
	Append bool    // write to topics that hold other records

	// StateFile keeps what a resumed replay needs; empty: it can't be resumed.
	StateFile string
	Resume    bool // go on where StateFile says that a replay stopped
	// Identity names the recording and what shapes its items (format, path, options of the
	// source): a replay is resumed only under the identity that it was started with.
	Identity string

	Clock    Clock          // nil: the system's
	Logger   *slog.Logger   // nil: nothing is logged
	Progress func(Progress) // nil: none; called about once a second from Run's goroutine
}

// Clock tells the wall time.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// DefaultEpoch is the instant that a recording's clock starts at, where it counts
// from zero: a Monday.
func DefaultEpoch() time.Time { return time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC) }

// Moment is a point of a recording: an instant, or an offset from the
// recording's first item. The zero value is none.
type Moment struct {
	instant time.Time
	offset  time.Duration
	set     bool
}

// After is the moment an offset after the recording's first item.
func After(offset time.Duration) Moment { return Moment{offset: offset, set: true} }

// At is an instant, in the recording's own time (before any rebasing).
func At(instant time.Time) Moment { return Moment{instant: instant, set: true} }

// ParseMoment reads a duration ("90m", "36h") or an RFC 3339 time.
func ParseMoment(s string) (Moment, error) {
	if s == "" {
		return Moment{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		if d < 0 {
			return Moment{}, fmt.Errorf("%q lies before the recording's start", s)
		}
		return After(d), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return At(t), nil
	}
	return Moment{}, fmt.Errorf("%q is neither a duration since the recording's start (such as 90m) nor an RFC 3339 time (such as 2020-01-06T01:30:00Z)", s)
}

// String is the moment as ParseMoment reads it.
func (m Moment) String() string {
	switch {
	case !m.set:
		return ""
	case m.instant.IsZero():
		return m.offset.String()
	}
	return m.instant.Format(time.RFC3339Nano)
}

// nanos resolves the moment; otherwise is for the zero value.
func (m Moment) nanos(first, otherwise int64) int64 {
	switch {
	case !m.set:
		return otherwise
	case m.instant.IsZero():
		return first + int64(m.offset)
	}
	return m.instant.UnixNano()
}

// How items become records. They are part of what a resumed replay repeats, so
// they are no options.
const (
	traceWindow    = int64(time.Second)      // spans of a trace that end within it share a record
	traceSpans     = 1000                    // at most, in a record
	traceBytes     = 400 << 10               // about as much, in a record: brokers take 1 MiB
	pendingSpans   = 200_000                 // at most, in memory; then the oldest trace is written
	metricsBatch   = 100                     // resources in a record, at most
	watermarkEvery = int64(10 * time.Second) // of event time
	gapWatermarks  = 60                      // written in a gap without items, besides its last one
)
