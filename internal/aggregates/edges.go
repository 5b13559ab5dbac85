package aggregates

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"presage/model"
)

// EdgeOptions say how rows become slices.
type EdgeOptions struct {
	// Width of a slice; zero means the most common distance between consecutive times of the
	// file. Slices begin at the first time plus a multiple of it, so a multiple of the file's own
	// width adds slices up.
	Width time.Duration
}

const (
	maxWidth  = 366 * 24 * time.Hour
	maxNumber = 1e15 // of calls, and of microseconds: float32 holds their sums and products
)

// A file's slices times its services may be so many times its rows, and a little more. A file beyond it names
// services that hardly ever occur, and would fill memory with missing values.
const (
	maxSparsity   = 32
	sparsityFloor = 1 << 18
)

// edgeColumns are the columns that count.
var edgeColumns = []string{"unix_s", "src", "dst", "calls", "mean_us"}

// edgeRow is what one row says: calls of an edge in a slice.
type edgeRow struct {
	at       int64 // Unix nanoseconds; later the start of the slice
	src, dst int32
	calls    float64
	us       float64 // summed over the calls
}

// Edges reads a table of edges, a row a (slice, edge), plain or compressed by gzip, in any order of rows. Of
// the channels it fills the response time and the requests; the graph's weights are calls.
func Edges(path string, o EdgeOptions) (steps []*model.Step, err error) {
	err = withFile(path, func(r io.Reader) error {
		steps, err = readEdges(r, path, o)
		return err
	})
	return steps, err
}

func readEdges(r io.Reader, file string, o EdgeOptions) ([]*model.Step, error) {
	if o.Width < 0 || o.Width > maxWidth {
		return nil, fmt.Errorf("slice width %v, expected more than zero and at most %v", o.Width, maxWidth)
	}
	rows, services, err := readEdgeRows(newTable(r, file))
	if err != nil {
		return nil, err
	}
	width := int64(o.Width)
	byTime := func(a, b edgeRow) int { return cmp.Compare(a.at, b.at) }
	slices.SortStableFunc(rows, byTime)
	if width == 0 {
		if width = commonDistance(rows); width == 0 {
			return nil, fmt.Errorf("%s: all rows have the same time: the width of a slice has to be given", file)
		}
	}
	first, count := rows[0].at, 0
	for i := range rows {
		rows[i].at -= (rows[i].at - first) % width
		if i == 0 || rows[i].at != rows[i-1].at {
			count++
		}
	}
	if cells := int64(count) * int64(len(services)); cells > maxSparsity*int64(len(rows))+sparsityFloor {
		return nil, fmt.Errorf("%s: %d slices of %d services from %d rows: too sparse, expected services that occur in many slices",
			file, count, len(services), len(rows))
	}
	// Stable: sums don't depend on anything but the file.
	slices.SortStableFunc(rows, func(a, b edgeRow) int {
		return cmp.Or(byTime(a, b), cmp.Compare(a.src, b.src), cmp.Compare(a.dst, b.dst))
	})
	s := newSegments(width, services, &model.Graph{RowPtr: make([]int32, len(services)+1)}, 0)
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].at == rows[0].at {
			n++
		}
		fillEdges(s.add(rows[0].at, edgeGraph(rows[:n], len(services))), rows[:n])
		rows = rows[n:]
	}
	return s.steps, nil
}

// readEdgeRows also lists the services that occur, sorted; rows name them by their place.
func readEdgeRows(t *table) ([]edgeRow, []string, error) {
	if err := t.need("the header " + strings.Join(edgeColumns, ",")); err != nil {
		return nil, nil, err
	}
	var column [5]int
	for k, name := range edgeColumns {
		column[k] = slices.Index(t.cells, name)
		if column[k] < 0 {
			return nil, nil, fmt.Errorf("%s:%d: no column %s, expected the header %s (further columns are ignored)", t.file, t.line(), name, strings.Join(edgeColumns, ","))
		}
		if again := slices.Index(t.cells[column[k]+1:], name); again >= 0 {
			return nil, nil, fmt.Errorf("%s:%d: columns %d and %d are both called %s", t.file, t.line(), column[k]+1, column[k]+again+2, name)
		}
	}
	var rows []edgeRow
	var names []string
	places := map[string]int32{}
	for {
		ok, err := t.next()
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			break
		}
		row, err := t.edge(column)
		if err != nil {
			return nil, nil, err
		}
		var ends [2]int32
		for k := range ends {
			name := t.cells[column[1+k]]
			place, known := places[name]
			if !known {
				place = int32(len(names))
				name = strings.Clone(name) // not the whole line
				names, places[name] = append(names, name), place
			}
			ends[k] = place
		}
		row.src, row.dst = ends[0], ends[1]
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, nil, fmt.Errorf("%s: no rows below the header", t.file)
	}
	services := slices.Sorted(slices.Values(names))
	for i, name := range services {
		places[name] = int32(i)
	}
	for i := range rows {
		rows[i].src, rows[i].dst = places[names[rows[i].src]], places[names[rows[i].dst]]
	}
	return rows, services, nil
}

// edge reads the current row but for its services, which it only checks.
func (t *table) edge(column [5]int) (edgeRow, error) {
	var row edgeRow
	var err error
	if row.at, err = t.time(column[0], edgeColumns[0]); err != nil {
		return row, err
	}
	for _, k := range []int{1, 2} {
		if t.cells[column[k]] == "" {
			return row, t.wrong(column[k], edgeColumns[k], "the name of a service")
		}
	}
	if row.calls, err = t.number(column[3], edgeColumns[3], maxNumber); err != nil {
		return row, err
	}
	if row.calls == 0 {
		return row, nil // there is no mean of nothing, whatever the cell holds
	}
	mean, err := t.number(column[4], edgeColumns[4], maxNumber)
	row.us = mean * row.calls
	return row, err
}

// commonDistance is the most common distance between consecutive times of sorted rows, the
// shortest of several; zero if there is one time only.
func commonDistance(rows []edgeRow) int64 {
	counts := map[int64]int{}
	for i := 1; i < len(rows); i++ {
		if d := rows[i].at - rows[i-1].at; d > 0 {
			counts[d]++
		}
	}
	var best int64
	for d, n := range counts {
		if best == 0 || n > counts[best] || n == counts[best] && d < best {
			best = d
		}
	}
	return best
}

// edgeGraph makes the graph of one slice's rows, sorted by caller and callee. Edges without a
// call are left out.
func edgeGraph(rows []edgeRow, services int) *model.Graph {
	g := &model.Graph{RowPtr: make([]int32, services+1)}
	for i := 0; i < len(rows); {
		src, dst := rows[i].src, rows[i].dst
		var calls, us float64
		for ; i < len(rows) && rows[i].src == src && rows[i].dst == dst; i++ {
			calls += rows[i].calls
			us += rows[i].us
		}
		if float32(calls) == 0 {
			continue
		}
		g.Col = append(g.Col, dst)
		g.Weight = append(g.Weight, float32(calls))
		g.MeanMs = append(g.MeanMs, float32(us/calls/1e3))
		g.RowPtr[src+1]++
	}
	for i := range services {
		g.RowPtr[i+1] += g.RowPtr[i]
	}
	return g
}

// fillEdges sets the channels of the services that the rows call.
func fillEdges(st *model.Step, rows []edgeRow) {
	type sum struct{ calls, us float64 }
	into := map[int32]sum{}
	for _, r := range rows {
		s := into[r.dst]
		into[r.dst] = sum{s.calls + r.calls, s.us + r.us}
	}
	for i, s := range into {
		set(st, int(i), requests, s.calls*1e9/float64(st.Width))
		if s.calls > 0 {
			set(st, int(i), responseTime, s.us/s.calls/1e3)
		}
	}
}
