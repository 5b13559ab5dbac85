package pair

import "math"

// Result is what the arrival of a half led to. Calls is valid until the next
// call of a method of the store.
type Result struct {
	Calls   []Call
	Late    int  // partners that were resolved before: they make no call any more
	Refused bool // the slice holds as many halves as it may
}

// Store remembers halves until Forget and pairs them. It is not safe for
// concurrent use.
type Store struct {
	limit   int
	low     int64 // slices below it are forgotten
	keys    map[Key]*meeting
	slices  map[int64]*group
	pool    []*meeting // meetings no longer used
	calls   []Call
	singles []string
}

// New makes a store that holds at most limit halves of each slice.
func New(limit int) *Store {
	return &Store{limit: limit, low: math.MinInt64, keys: map[Key]*meeting{}, slices: map[int64]*group{}}
}

// Len is the number of halves that are remembered.
func (s *Store) Len() int {
	n := 0
	for _, g := range s.slices {
		n += g.n
	}
	return n
}

// Add takes a half whose slice is open.
func (s *Store) Add(h Half) Result {
	g := s.slices[h.Slice]
	if g == nil {
		g = &group{}
		s.slices[h.Slice] = g
	}
	if g.n >= s.limit {
		return Result{Refused: true}
	}
	m := s.keys[h.Key]
	if m == nil {
		m = s.newMeeting()
		s.keys[h.Key] = m
	}
	r := g.add()
	r.Half, r.at = h, m
	if h.Kind.Serves() {
		return s.serving(m, r)
	}
	return s.calling(m, r)
}

// serving: the call belongs to the earliest calling half that is remembered. If
// that one was resolved alone before, its call has been counted already.
func (s *Store) serving(m *meeting, r *record) Result {
	first := m.calling.head
	if first == nil {
		m.serving.append(r)
		m.serving.wait(r)
		return Result{}
	}
	for c := m.calling.waiting; c != nil; c = c.next {
		if c.state == waits {
			c.state = settled
		}
	}
	m.calling.waiting = nil
	r.state = settled
	m.serving.append(r)
	if first.state == resolved {
		return Result{Late: 1}
	}
	s.calls = append(s.calls[:0], paired(&first.Half, &r.Half))
	return Result{Calls: s.calls}
}

// calling: every serving half that waits makes its call, in its own slice, which
// is still open; for those resolved alone the caller comes too late.
func (s *Store) calling(m *meeting, r *record) (res Result) {
	m.calling.append(r)
	if m.serving.head == nil {
		m.calling.wait(r)
		return res
	}
	r.state = settled
	s.calls = s.calls[:0]
	for c := m.serving.waiting; c != nil; c = c.next {
		if c.state == waits {
			s.calls = append(s.calls, paired(&r.Half, &c.Half))
		} else {
			res.Late++
		}
		c.state = settled
	}
	m.serving.waiting = nil
	res.Calls = s.calls
	return res
}

// Close resolves the halves of a slice that still wait: those that name their
// peer make a call alone, of the others the services are returned, one entry a half;
// paired is how many wait for nobody. The lists are valid until the next call of a
// method.
func (s *Store) Close(slice int64) (calls []Call, unpaired []string, paired int) {
	s.calls, s.singles = s.calls[:0], s.singles[:0]
	s.slices[slice].each(func(r *record) {
		if r.state != waits {
			paired++
			return
		}
		r.state = resolved
		if c, ok := OneSided(&r.Half); ok {
			s.calls = append(s.calls, c)
		} else {
			s.singles = append(s.singles, r.Service)
		}
	})
	return s.calls, s.singles, paired
}

// Forget drops the halves of all slices below an index.
func (s *Store) Forget(before int64) {
	if before <= s.low {
		return
	}
	s.low = before
	for k, g := range s.slices {
		if k >= before {
			continue
		}
		g.each(func(r *record) {
			if r.Kind.Serves() {
				r.at.serving.remove(r)
			} else {
				r.at.calling.remove(r)
			}
			if r.at.serving.head == nil && r.at.calling.head == nil {
				delete(s.keys, r.Key)
				s.pool = append(s.pool, r.at)
			}
		})
		delete(s.slices, k)
	}
}

// newMeeting reuses those of forgotten keys: they are all empty.
func (s *Store) newMeeting() *meeting {
	if n := len(s.pool); n > 0 {
		m := s.pool[n-1]
		s.pool = s.pool[:n-1]
		return m
	}
	return &meeting{}
}
