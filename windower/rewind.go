package windower

import "slices"

// step is a place in the log at which the latest event reached a new slice: the record
// (or the advance before the record) at offset.
type step struct {
	slice  int64 // that the latest event lies in afterwards
	offset int64
	before int64 // highest event time before it
	since  int64 // offset from which the log tells what was known of the sources before it
}

// rewind finds from which offset a machine must be rebuilt. It holds one step
// for each slice at most, and forgets those that no later commit can need.
type rewind struct {
	times
	dedupe bool   // spans are remembered, and duplicates left out
	steps  []step // both slice and offset rise
}

// reached notes that the record at s.offset moved the latest event time. In a re-keyed
// partition that is ahead of the highest event time, which waits for the slowest source: what
// belongs to a slice may come long before the watermark is near it.
func (r *rewind) reached(s step, latest int64) {
	s.slice = r.slice(latest)
	if len(r.steps) == 0 && s.slice <= r.slice(s.before) || len(r.steps) > 0 && s.slice <= r.steps[len(r.steps)-1].slice {
		return
	}
	r.steps = append(r.steps, s)
}

// at is the first step whose record reached a slice. Everything that belongs to
// that slice, or to a later one, comes with that record or after it. next stands for
// the records to come.
func (r *rewind) at(slice int64, next step) step {
	i, _ := slices.BinarySearchFunc(r.steps, slice, func(s step, slice int64) int {
		if s.slice < slice {
			return -1
		}
		return 1
	})
	if i == len(r.steps) {
		return next
	}
	return r.steps[i]
}

// start gives the step to rebuild from, so that all slices from first on come
// out whole; next is the offset of the next record with the present highest event
// time. It goes back three times, or four:
//
//  1. to the first record that holds anything of slice first or later;
//  2. from there to the first record of any half still remembered then: calls of
//     those slices may be made with it;
//  3. again, because whether such a calling half was answered or resolved alone
//     depends on the serving halves that were remembered when it came;
//  4. with dedupe once more, because whether any of those halves is in the store, or
//     its span was a duplicate, depends on the spans that were remembered when it came.
//
// No fifth time: a duplicate is remembered as any span is, so that what is remembered
// depends on which spans came and not on which were counted. The caps on halves and
// spans ask for no more: all but the first step go back to where the first of a slice's
// halves and spans can be. Steps before the result are forgotten: the result never
// falls, as first doesn't.
func (r *rewind) start(first int64, next step) step {
	s := r.at(first, next)
	s = r.at(r.firstRemembered(s.before), next)
	s = r.at(r.firstRemembered(s.before), next)
	if r.dedupe {
		s = r.at(r.firstRemembered(s.before), next)
	}
	for len(r.steps) > 0 && r.steps[0].offset < s.offset {
		r.steps = r.steps[1:]
	}
	return s
}
