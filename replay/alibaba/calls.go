package alibaba

import (
	"context"
	"errors"
	"io"
	"math"
	"time"

	"presage/replay"
	"presage/replay/files"
)

// callStream gives the spans of a call graph in the order of their end.
//
//	rows by start ──▶ groups (five minutes) ──▶ fold ──▶ spans ──▶ heap ──▶ spans by end
type callStream struct {
	opts     *Options
	table    *table
	groups   *groups
	fold     folder
	spans    *spanner
	ready    ends
	order    uint64
	at       int64 // start of the newest row
	drain    bool  // all rows are read
	ended    bool  // and all groups closed
	capped   int64 // groups closed before their time, for the cap
	late     int64 // spans given out after spans that end later
	released int64 // highest end given out
	address  address
	row      row
}

func newCallStream(opts *Options, n *vocabulary, t *table, state string) *callStream {
	c := &callStream{opts: opts, table: t, groups: newGroups(), at: math.MinInt64}
	c.spans = newSpanner(n, opts, state, func(s *replay.Span) {
		c.order++
		c.ready.push(end{s, c.order})
	})
	return c
}

// next implements stream.
func (c *callStream) next(ctx context.Context) (replay.Item, error) {
	for {
		if len(c.ready) > 0 && (c.ended || c.ready[0].span.End < c.bound() || len(c.ready) > c.opts.OpenRows) {
			s := c.ready.pop()
			if s.End < c.released {
				c.late++
			}
			c.released = max(c.released, s.End)
			return replay.Item{At: s.End, Span: s}, nil
		}
		if c.ended {
			return replay.Item{}, io.EOF
		}
		if c.drain {
			// One by one: as spans, rows take several times the memory.
			i, open := c.groups.first()
			if open {
				c.close(i)
			}
			c.ended = !open
			continue
		}
		key, packed, err := c.table.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			c.drain = true
			continue
		case err != nil:
			return replay.Item{}, err
		}
		c.address, c.row = unpack(packed, key)
		c.at = max(c.at, key)
		for i, ok := c.groups.due(c.at); ok; i, ok = c.groups.due(c.at) {
			c.close(i)
		}
		c.groups.add(&c.address, &c.row)
		for c.groups.held+len(c.ready) > c.opts.OpenRows {
			i, ok := c.groups.first()
			if !ok {
				break
			}
			c.capped++
			c.close(i)
			if len(c.ready) > 0 && c.ready[0].span.End < c.bound() {
				break
			}
		}
	}
}

// bound is an event time below which no further span can end: a span ends after
// its row's start.
func (c *callStream) bound() int64 { return c.opts.nanos(c.groups.lowest(c.at)) }

func (c *callStream) close(i int32) {
	a, rows := c.groups.close(i)
	c.spans.calls(&a, c.fold.fold(rows))
}

func (c *callStream) tables() []*table { return []*table{c.table} }

func (c *callStream) count(skipped map[string]int64) {
	skipped["late_row"] += c.table.merger.Late()
	skipped["late_span"] += c.late
	skipped["group_cap"] += c.capped
	skipped["unnamed_half"] += c.spans.unnamed
	skipped["name_cap"] += c.spans.names.cut()
}

func (c *callStream) span(ctx context.Context) (first, last int64, err error) {
	first, last, err = c.table.ends(ctx, func(key int64, packed []byte) int64 {
		_, r := unpack(packed, key)
		return c.opts.nanos(key) + r.Duration
	})
	return first, last, err
}

// end is a span with its place among those that end at the same time.
type end struct {
	span  *replay.Span
	order uint64
}

// ends is a heap by end.
type ends []end

func (e ends) less(i, j int) bool {
	a, b := &e[i], &e[j]
	return a.span.End < b.span.End || (a.span.End == b.span.End && a.order < b.order)
}

func (e *ends) push(x end) {
	h := append(*e, x)
	*e = h
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (e *ends) pop() *replay.Span {
	h := *e
	top, last := h[0].span, len(h)-1
	h[0], h[last] = h[last], end{}
	h = h[:last]
	*e = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < last; c++ {
			if h.less(c, least) {
				least = c
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// maxDuration bounds a row's rt: a day.
const maxDuration = 24 * time.Hour

// callColumns are the columns of a call graph, 2021's and 2022's names.
func callColumns() []files.Column {
	return []files.Column{
		{Names: []string{"traceid"}}, {Names: []string{"timestamp"}}, {Names: []string{"rpcid", "rpc_id"}},
		{Names: []string{"um"}}, {Names: []string{"rpctype"}}, {Names: []string{"dm"}}, {Names: []string{"rt"}},
		{Names: []string{"interface"}, Optional: true},
		{Names: []string{"uminstanceid"}, Optional: true}, {Names: []string{"dminstanceid"}, Optional: true},
	}
}

// readCalls packs the rows of a call graph file. signed says that rt's sign tells
// the side that recorded a row.
func readCalls(n *vocabulary, signed bool) readFile {
	var packed []byte
	return func(ctx context.Context, f *files.File, t *table, add func(int64, []byte) error) error {
		return each(ctx, f, t, callColumns(), func(rows *files.Rows, fields [][]byte) error {
			a, r, bad := parseCall(n, signed, fields)
			if bad >= 0 {
				rows.Bad(callColumns()[bad].Names[0], fields[bad])
				return nil
			}
			packed = pack(packed[:0], &a, &r)
			return add(r.Start, packed)
		})
	}
}

// parseCall reads the fields of callColumns; bad is the field that can't be read, −1 if none.
func parseCall(n *vocabulary, signed bool, fields [][]byte) (a address, r row, bad int) {
	if missing(fields[0]) {
		return a, r, 0
	}
	var ok bool
	if r.Start, ok = parseMillis(fields[1]); !ok {
		return a, r, 1
	}
	if missing(fields[2]) {
		return a, r, 2
	}
	if r.Kind, ok = parseKind(fields[4]); !ok {
		return a, r, 4
	}
	rt, ok := parseNumber(fields[6])
	if !ok || math.Abs(rt) > float64(maxDuration/time.Millisecond) {
		return a, r, 6
	}
	switch {
	case signed && rt > 0:
		r.Side = callerSide
	case signed && rt < 0:
		r.Side = calleeSide
	}
	r.Duration = millis(math.Abs(rt))
	a.Trace = traceID(fields[0])
	a.RPC, a.Parent = rpcID(fields[2])
	r.Caller, r.Callee = n.services.get(fields[3]), n.services.get(fields[5])
	r.Interface = n.interfaces.get(fields[7])
	r.CallerPod, r.CalleePod = n.pods.get(fields[8]), n.pods.get(fields[9])
	return a, r, -1
}
