package windower

import "presage/ingest"

// identity is what two copies of a span share.
type identity struct {
	trace ingest.TraceID
	span  ingest.SpanID
	kind  ingest.Kind
}

// seen remembers which spans came, each in its slice, until the slice is forgotten.
//
// A duplicate is remembered as well, in the slice of its own: if it were not, whether
// a span is a duplicate would depend on whether the one before it was, and so on without
// end. Whether a slice has room for one more depends on that slice and on later ones
// only. So what is remembered of the slices from any on is a function of the piece of the
// log that holds them.
type seen struct {
	limit  int // spans of a slice
	low    int64
	last   map[identity]int64 // the highest slice in which it is remembered
	slices map[int64][]identity
}

func newSeen(limit int) *seen {
	return &seen{limit: limit, low: never, last: map[identity]int64{}, slices: map[int64][]identity{}}
}

// add takes a span of slice k, which is not forgotten. duplicate says that the span was
// remembered, refused that it was not and will not be: the slice is full.
func (s *seen) add(id identity, k int64) (duplicate, refused bool) {
	last, duplicate := s.last[id]
	if duplicate && last >= k {
		return true, false
	}
	if len(s.slices[k]) >= s.limit {
		return duplicate, !duplicate
	}
	s.last[id] = k
	s.slices[k] = append(s.slices[k], id)
	return duplicate, false
}

// forget drops the spans of all slices below an index.
func (s *seen) forget(before int64) {
	if before <= s.low {
		return
	}
	s.low = before
	for k, ids := range s.slices {
		if k >= before {
			continue
		}
		for _, id := range ids {
			if s.last[id] == k { // not remembered in a later slice
				delete(s.last, id)
			}
		}
		delete(s.slices, k)
	}
}
