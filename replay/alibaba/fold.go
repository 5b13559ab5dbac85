package alibaba

import (
	"cmp"
	"slices"
)

// groupGap closes a group of rows: milliseconds of trace time after its last row.
const groupGap = 5 * 60 * 1000

// call is one call between two services, or an internal span (kindInternal). A
// half that nobody reported is nil; never both.
type call struct {
	kind           kind
	caller, callee name
	client, server *row
}

// folder folds rows into calls; it keeps memory between two folds.
type folder struct {
	calls                    []call
	callers, callees, either []*row
}

// fold makes calls of the rows of one (trace, rpc id), as far as they are kept
// together. It sorts rows, which the calls point into, and its result is valid until the next fold.
//
// A missing name is filled from a row that agrees on the other side. Then rows
// with the same caller, callee and kind are a group. For kinds that both sides record, with p
// rows of the caller, n of the callee and z of either, a group is max(p, n, ⌈(p+n+z)/2⌉)
// calls; for cache, database and queue each row is a call.
func (f *folder) fold(rows []row) []call {
	f.calls = f.calls[:0]
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Start, b.Start) })
	if len(rows) > 1 {
		fill(rows)
		// Groups stay in the order of their first row, which is short work: a few rows.
		slices.SortStableFunc(rows, func(a, b row) int {
			if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
				return c
			}
			if c := cmp.Compare(a.Caller, b.Caller); c != 0 {
				return c
			}
			return cmp.Compare(a.Callee, b.Callee)
		})
	}
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && sameGroup(&rows[end-1], &rows[end]) {
			end++
		}
		f.foldGroup(rows[start:end])
		start = end
	}
	return f.calls
}

func sameGroup(a, b *row) bool {
	return a.Kind == b.Kind && a.Caller == b.Caller && a.Callee == b.Callee && b.Start-a.Start < groupGap
}

// fill gives rows without a name that of the earliest row that agrees on the
// other side. What was filled in does not fill others.
func fill(rows []row) {
	lacking := false
	for i := range rows {
		lacking = lacking || (rows[i].Caller == unknown) != (rows[i].Callee == unknown)
	}
	if !lacking {
		return
	}
	callers, callees := make(map[name]*row), make(map[name]*row) // the earliest whole row by the other side
	whole := make([]row, 0, len(rows))
	for i := range rows {
		if rows[i].Caller == unknown || rows[i].Callee == unknown {
			continue
		}
		whole = append(whole, rows[i])
		r := &whole[len(whole)-1]
		if callers[r.Callee] == nil {
			callers[r.Callee] = r
		}
		if callees[r.Caller] == nil {
			callees[r.Caller] = r
		}
	}
	for i := range rows {
		r := &rows[i]
		switch {
		case r.Caller == unknown && r.Callee != unknown:
			if twin := callers[r.Callee]; twin != nil {
				r.Caller, r.CallerPod = twin.Caller, twin.CallerPod
			}
		case r.Callee == unknown && r.Caller != unknown:
			if twin := callees[r.Caller]; twin != nil {
				r.Callee, r.CalleePod = twin.Callee, twin.CalleePod
			}
		}
	}
}

// foldGroup makes the calls of one group, rows sorted by start.
func (f *folder) foldGroup(rows []row) {
	first := &rows[0]
	one := call{kind: first.Kind, caller: first.Caller, callee: first.Callee}
	if !first.Kind.twice() {
		for i := range rows {
			c := one
			if first.Kind == kindQueue && rows[i].Side == calleeSide {
				c.server = &rows[i]
			} else {
				c.client = &rows[i]
			}
			f.calls = append(f.calls, c)
		}
		return
	}
	f.callers, f.callees, f.either = f.callers[:0], f.callees[:0], f.either[:0]
	for i := range rows {
		switch rows[i].Side {
		case callerSide:
			f.callers = append(f.callers, &rows[i])
		case calleeSide:
			f.callees = append(f.callees, &rows[i])
		default:
			f.either = append(f.either, &rows[i])
		}
	}
	either := f.either
	for i := range max(len(f.callers), len(f.callees), (len(rows)+1)/2) {
		c := one
		if i < len(f.callers) {
			c.client = f.callers[i]
		}
		if i < len(f.callees) {
			c.server = f.callees[i]
		}
		either = complete(&c, either)
		f.calls = append(f.calls, c)
	}
}

// complete fills the gaps of a call from rows that either side may have recorded,
// and returns the rows that are left.
func complete(c *call, either []*row) []*row {
	switch {
	case len(either) == 0 || (c.client != nil && c.server != nil):
		return either
	case c.client != nil:
		c.server = either[0]
		return either[1:]
	case c.server != nil:
		c.client = either[0]
		return either[1:]
	case len(either) == 1:
		// Nobody knows whose it is. The callee's says as much of the callee: the call took
		// no longer there than the caller saw.
		if c.callee == unknown {
			c.client = either[0]
		} else {
			c.server = either[0]
		}
		return nil
	}
	c.client, c.server = either[0], either[1]
	if c.server.Duration > c.client.Duration { // the caller waits longer than the callee works
		c.client, c.server = c.server, c.client
	}
	return either[2:]
}
