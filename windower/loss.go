package windower

import (
	"cmp"
	"slices"
)

// Reason says why input didn't get into a slice, or not whole.
type Reason string

// The reasons of the partition machine.
const (
	ReasonBadTime    Reason = "bad_time"    // a zero time, an end before its start, or beyond the year 2116
	ReasonNoService  Reason = "no_service"  // a span whose resource has no service.name
	ReasonNoResource Reason = "no_resource" // a sample with neither join keys nor a service
	ReasonLate       Reason = "late"        // its slice is closed
	ReasonHalfCap    Reason = "half_cap"    // counted in its node, but not paired: the slice holds too many halves
	ReasonRowCap     Reason = "row_cap"     // counted in slice.Other, or a sample or sighting left out: the slice holds too many rows
	ReasonRewritten  Reason = "rewritten"   // re-keying had written its record before
	ReasonSpanCap    Reason = "span_cap"    // counted, but not remembered for duplicates: the slice holds too many spans
	ReasonPairedLate Reason = "paired_late" // counted in its node; its other half was resolved alone before
)

// Loss is a number of events with one reason. Service is empty where it isn't
// known.
type Loss struct {
	Reason  Reason
	Service string
	Count   int64
}

// losses counts the losses of one record.
type losses map[Loss]int64 // by Reason and Service; Count is zero in the key

func (l losses) add(r Reason, service string, n int) {
	if n > 0 {
		l[Loss{Reason: r, Service: service}] += int64(n)
	}
}

// take empties l into a list sorted by reason and service.
func (l losses) take() []Loss {
	if len(l) == 0 {
		return nil
	}
	out := make([]Loss, 0, len(l))
	for k, n := range l {
		k.Count = n
		out = append(out, k)
	}
	clear(l)
	slices.SortFunc(out, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Service, b.Service))
	})
	return out
}
