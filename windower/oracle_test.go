package windower

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"presage/ingest"
	"presage/windower/slice"
)

// The oracle reads a whole log at once and says from the rules what must come
// out. It shares no code with the machine: for every question it looks at all halves.

type oracleHalf struct {
	ingest.Span
	n, record      int // order of arrival; its record
	slice          int64
	closed, forgot int // records after which its slice was closed, and it was forgotten
}

func (h *oracleHalf) key() [24]byte {
	id := h.SpanID
	if h.Kind.Serves() {
		id = h.ParentID
	}
	return [24]byte(append(h.TraceID[:], id[:]...))
}

// knows: b still remembers a when it comes.
func (b *oracleHalf) knows(a *oracleHalf) bool { return a.n < b.n && b.record <= a.forgot }

type oracle struct {
	rows   map[int64]map[string]map[string]int64 // slice, row, column
	losses map[Loss]int64
}

func (o *oracle) add(k int64, row, column string, n int64) {
	if o.rows[k] == nil {
		o.rows[k] = map[string]map[string]int64{}
	}
	if o.rows[k][row] == nil {
		o.rows[k][row] = map[string]int64{}
	}
	o.rows[k][row][column] += n
}

func (o *oracle) edge(caller, callee string, kind slice.EdgeKind, h *oracleHalf) {
	row, weight := fmt.Sprintf("edge %s %s %d", caller, callee, kind), int64(max(h.Adjusted, 1))
	if weight == 1 {
		weight = 256
	}
	o.add(h.slice, row, "calls", weight)
	o.add(h.slice, row, "ns", weight*(h.End-h.Start))
	if h.Error {
		o.add(h.slice, row, "errors", weight)
	}
}

func (o *oracle) alone(h *oracleHalf) {
	kind := []slice.EdgeKind{slice.Virtual, slice.Database, slice.Queue}[h.PeerKind]
	switch {
	case h.Peer == "":
		o.add(h.slice, "node "+h.Service, "unpaired", 1)
	case h.Kind.Serves():
		o.edge(h.Peer, h.Service, kind, h)
	default:
		o.edge(h.Service, h.Peer, kind, h)
	}
}

func floor(a, b int64) int64 { return int64(math.Floor(float64(a) / float64(b))) }

func askOracle(s logShape, log []*ingest.Batch) *oracle {
	o := &oracle{rows: map[int64]map[string]map[string]int64{}, losses: map[Loss]int64{}}
	var halves []*oracleHalf
	var marks []int64 // watermark after each record
	mark, in := int64(math.MinInt64), map[int64]int{}
	again := map[spanAt]verdict{}
	if s.dedupe {
		again = judgeAll(s, log)
	}
	for n, b := range log {
		after := mark
		spans := b.Spans
		if s.rekeyed != nil {
			if _, rewritten := s.rekeyed(n); rewritten {
				spans = nil
				for _, sp := range b.Spans {
					o.losses[Loss{Reason: ReasonRewritten, Service: sp.Service}]++
				}
			}
		}
		for i, sp := range spans {
			event := min(sp.End, b.Time+FutureSlack)
			k := floor(event, s.width)
			switch {
			case sp.Start <= 0 || sp.End < sp.Start:
				o.losses[Loss{Reason: ReasonBadTime, Service: sp.Service}]++
				continue
			case sp.Service == "":
				o.losses[Loss{Reason: ReasonNoService}]++
				continue
			case (k+1)*s.width <= mark:
				o.losses[Loss{Reason: ReasonLate, Service: sp.Service}]++
				continue
			}
			after = max(after, event-s.lateness)
			switch again[spanAt{n, i}] {
			case duplicate:
				o.losses[Loss{Reason: ReasonDuplicate, Service: sp.Service}]++
				continue
			case refused:
				o.losses[Loss{Reason: ReasonSpanCap, Service: sp.Service}]++
			}
			o.span(s, &sp, k, mark)
			for _, key := range sp.Keys {
				o.add(k, "sight "+key, sp.Service, 1)
			}
			h := &oracleHalf{Span: sp, n: n*1000 + i, record: n, slice: k}
			root := sp.Kind.Serves() && sp.ParentID == ingest.SpanID{}
			switch {
			case root && sp.Peer == "":
				o.edge("user", sp.Service, slice.Virtual, h)
			case root:
				o.alone(h)
			case (sp.Kind.Serves() || sp.Kind.Calls()) && in[k] >= s.halfCap:
				o.losses[Loss{Reason: ReasonHalfCap, Service: sp.Service}]++
			case sp.Kind.Serves() || sp.Kind.Calls():
				in[k]++
				halves = append(halves, h)
			}
		}
		for _, sm := range b.Samples {
			event := min(sm.Time, b.Time+FutureSlack)
			switch {
			case sm.Service == "" && len(sm.Keys) == 0:
				o.losses[Loss{Reason: ReasonNoResource}]++
			case (floor(event, s.width)+1)*s.width <= mark:
				o.losses[Loss{Reason: ReasonLate, Service: sm.Service}]++
			default:
				after = max(after, event-s.lateness)
				o.sample(floor(event, s.width), &sm)
			}
		}
		if b.Watermark != 0 {
			after = max(after, min(b.Watermark, b.Time+FutureSlack)-s.lateness)
		}
		if b.Final {
			after = math.MaxInt64
		}
		if s.rekeyed != nil { // its own spans move nothing
			after = mark
			if high, _ := s.rekeyed(n); high == math.MaxInt64 {
				after = high
			} else if high != math.MinInt64 {
				after = max(after, high-s.lateness)
			}
		}
		mark = after
		marks = append(marks, mark)
	}
	first := func(at int64) int { return firstMark(marks, at) }
	meet := map[[24]byte][]*oracleHalf{}
	for _, h := range halves {
		h.closed, h.forgot = first((h.slice+1)*s.width), first((h.slice+1)*s.width+s.ttl)
		meet[h.key()] = append(meet[h.key()], h)
	}
	for _, h := range halves {
		if h.Kind.Calls() {
			if unanswered(h, meet[h.key()]) {
				o.alone(h)
			}
			continue
		}
		o.serve(h, meet[h.key()])
	}
	for k := range o.rows {
		if (k+1)*s.width > mark {
			delete(o.rows, k)
		}
	}
	return o
}

// firstMark is the first record after which the watermark was at least at.
func firstMark(marks []int64, at int64) int {
	if n := slices.IndexFunc(marks, func(m int64) bool { return m >= at }); n >= 0 {
		return n
	}
	return len(marks)
}

// unanswered: no serving half was known when c came, and none came before c's
// slice closed.
func unanswered(c *oracleHalf, all []*oracleHalf) bool {
	return !slices.ContainsFunc(all, func(s *oracleHalf) bool {
		return s.Kind.Serves() && (c.knows(s) || s.n > c.n && s.record <= c.closed)
	})
}

// serve finds the caller of s: the first known when s came, else the first that
// came later.
func (o *oracle) serve(s *oracleHalf, all []*oracleHalf) {
	for _, c := range all {
		if !c.Kind.Calls() || !s.knows(c) {
			continue
		}
		if s.record > c.closed && unanswered(c, all) {
			o.losses[Loss{Reason: ReasonPairedLate, Service: s.Service}]++
		} else {
			o.call(c, s)
		}
		return
	}
	for _, c := range all {
		if !c.Kind.Calls() || !c.knows(s) {
			continue
		}
		if c.record > s.closed {
			o.losses[Loss{Reason: ReasonPairedLate, Service: c.Service}]++
			break
		}
		o.call(c, s)
		return
	}
	o.alone(s)
}

func (o *oracle) call(c, s *oracleHalf) {
	kind := slice.Call
	if c.Kind == ingest.KindProducer || s.Kind == ingest.KindConsumer {
		kind = slice.Queue
	}
	o.edge(c.Service, s.Service, kind, s)
}

func (o *oracle) span(s logShape, sp *ingest.Span, k, mark int64) {
	o.add(k, "node "+sp.Service, "seen", 0)
	if !sp.Kind.Serves() {
		return
	}
	weight := int64(sp.Adjusted)
	if weight == 0 {
		weight = 256
	}
	row := "node " + sp.Service
	o.add(k, row, "spans", 1)
	o.add(k, row, "requests", weight)
	o.add(k, row, "ns", weight*(sp.End-sp.Start))
	o.add(k, row, fmt.Sprint("bucket ", slice.BucketOf(sp.End-sp.Start)), weight)
	if sp.Error {
		o.add(k, row, "errors", weight)
	}
	start := min(floor(sp.Start, s.width), k)
	for (start+1)*s.width <= mark {
		start++
	}
	o.add(start, row, "arrivals", weight)
}

func (o *oracle) sample(k int64, s *ingest.Sample) {
	key := "service:" + s.Service
	if len(s.Keys) > 0 {
		key = s.Keys[0]
	}
	row, value := fmt.Sprintf("resource %s %d", key, s.Metric), s.Value
	if s.Metric == ingest.MetricServerDuration {
		value = s.Sum
	}
	o.add(k, row, "points", 1)
	if !s.Cumulative {
		o.add(k, row, "total", value)
		o.add(k, row, "count", s.Count)
		return
	}
	o.add(k, row, "latest", 0)
	o.rows[k][row]["latest"] = max(o.rows[k][row]["latest"], s.Time)
}

// text prints the rows of a slice; zero columns are left out.
func (o *oracle) text(k int64) string {
	var lines []string
	for row, columns := range o.rows[k] {
		if strings.HasPrefix(row, "sight") {
			var names []string
			for s := range columns {
				names = append(names, s)
			}
			columns = map[string]int64{slices.Min(names): 1}
		}
		lines = append(lines, printRow(row, columns))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func printRow(row string, columns map[string]int64) string {
	var cells []string
	for c, n := range columns {
		if n != 0 {
			cells = append(cells, fmt.Sprintf("%s=%d", c, n))
		}
	}
	slices.Sort(cells)
	return row + ": " + strings.Join(cells, " ")
}

// partialText prints a partial in the oracle's words.
func partialText(p *slice.Partial) string {
	var lines []string
	for _, n := range p.Nodes {
		columns := map[string]int64{
			"spans": n.Spans, "requests": n.Requests, "errors": n.Errors, "arrivals": n.Arrivals,
			"unpaired": n.Unpaired, "ns": int64(n.Duration.Lo),
		}
		for _, b := range n.Latency {
			columns[fmt.Sprint("bucket ", b.Index)] = b.Count
		}
		lines = append(lines, printRow("node "+n.Service, columns))
	}
	for _, e := range p.Edges {
		lines = append(lines, printRow(fmt.Sprintf("edge %s %s %d", e.Caller, e.Callee, e.Kind),
			map[string]int64{"calls": e.Calls, "errors": e.Errors, "ns": int64(e.Duration.Lo)}))
	}
	for _, s := range p.Sightings {
		lines = append(lines, printRow("sight "+s.Key, map[string]int64{s.Service: 1}))
	}
	for _, r := range p.Resources {
		lines = append(lines, printRow(fmt.Sprintf("resource %s %d", r.Keys[0], r.Metric),
			map[string]int64{"points": r.Points, "total": int64(r.Total.Lo), "count": r.Count, "latest": r.LastTime}))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
