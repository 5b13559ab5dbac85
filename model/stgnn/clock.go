package stgnn

import (
	"math"
	"time"

	"presage/model"
)

const (
	day  = int64(24 * time.Hour)
	week = 7 * day
	// 1970-01-01 was a Thursday; weeks begin on Monday.
	mondayOffset = 3 * day
)

// clock turns the start of a slice into the phase of day and week. A cycle that
// training saw fewer than twice is left out: it would only tell where in the training
// span a slice lay, and mislead outside of it.
type clock struct {
	Day   bool `json:"day"`
	Week  bool `json:"week"`
	Slots int  `json:"slots"` // of the day, each with an embedding
}

// maxSlots bounds the time-of-day embedding: five minutes each.
const maxSlots = 288

// newClock decides by the span of the training slices.
func newClock(steps []*model.Step, mode string) clock {
	first, last := steps[0], steps[len(steps)-1]
	span := last.At + last.Width - first.At
	c := clock{Slots: int(max(1, min(maxSlots, day/max(last.Width, 1))))}
	if mode != "off" {
		c.Day, c.Week = span >= 2*day, span >= 2*week
	}
	return c
}

// clockFeatures is the number of values that encode fills.
const clockFeatures = 4

// encode writes sine and cosine of the phases of day and week; zeros for a cycle left
// out.
func (c clock) encode(at int64, out []float32) {
	clear(out[:clockFeatures])
	if c.Day {
		out[0], out[1] = phase(at, day)
	}
	if c.Week {
		out[2], out[3] = phase(at+mondayOffset, week)
	}
}

// phase is sine and cosine of at within a cycle.
func phase(at, cycle int64) (sin, cos float32) {
	s, c := math.Sincos(2 * math.Pi * float64(mod(at, cycle)) / float64(cycle))
	return float32(s), float32(c)
}

// slot is the time-of-day embedding's row, -1 where the day is left out.
func (c clock) slot(at int64) int32 {
	if !c.Day {
		return -1
	}
	return int32(float64(mod(at, day)) / float64(day) * float64(c.Slots))
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }
