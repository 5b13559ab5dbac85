package matrix

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"presage/model"
)

// Options say what the numbers mean.
type Options struct {
	Start time.Time     // of the first row's slice; zero means 2020-01-06T00:00:00Z, a Monday
	Width time.Duration // of a slice; zero means five minutes
	// ZeroMissing takes zeros of the series as missing values.
	ZeroMissing bool
	// Header says whether the first row of the series holds names: "yes", "no" or "auto"
	// (""): yes if a cell is no number, or if the cells are different whole numbers and
	// those of the second row are not whole.
	Header string
}

// Channel is the name of the only channel of a matrix.
const Channel = "value"

// Task is the task that a matrix sets: the next horizons values of every column from the
// last input ones, on their own scale.
func Task(input, horizons int, levels []float64, unit string) model.Task {
	return model.Task{Channels: []string{Channel}, Unit: unit, Input: input, Horizons: horizons, Levels: levels}
}

// Read makes a history of a table of series and an adjacency, which may be nil: then there are
// no edges. Names are used in errors. All steps share services and graph.
func Read(series, adjacency io.Reader, seriesName, adjacencyName string, o Options) ([]*model.Step, error) {
	if o.Start.IsZero() {
		o.Start = time.Date(2020, 1, 6, 0, 0, 0, 0, time.UTC)
	}
	if o.Width == 0 {
		o.Width = 5 * time.Minute
	}
	if o.Width < 0 {
		return nil, fmt.Errorf("slice width %v, expected more than zero", o.Width)
	}
	t, err := readTable(series, seriesName, o.Header)
	if err != nil {
		return nil, err
	}
	order, err := t.order()
	if err != nil {
		return nil, err
	}
	n := len(order)
	services := make([]string, n)
	for i, c := range order {
		services[i] = t.names[c]
	}
	graph, err := readGraph(adjacency, adjacencyName, seriesName, order, services)
	if err != nil {
		return nil, err
	}
	steps := make([]*model.Step, len(t.rows))
	for k, row := range t.rows {
		s := &model.Step{
			At: o.Start.UnixNano() + int64(k)*int64(o.Width), Width: int64(o.Width),
			Services: services, Graph: graph, Values: make([]float32, n), Mask: make([]float32, n),
		}
		for i, c := range order {
			v := row[c]
			if v != v || o.ZeroMissing && v == 0 {
				continue
			}
			s.Values[i], s.Mask[i] = v, 1
		}
		steps[k] = s
	}
	return steps, nil
}

// readGraph reads an adjacency: N rows of N weights in the order of the series' columns, or a list of edges by name.
func readGraph(adjacency io.Reader, name, seriesName string, order []int, services []string) (*model.Graph, error) {
	n := len(order)
	if adjacency == nil {
		return &model.Graph{RowPtr: make([]int32, n+1)}, nil
	}
	in := bufio.NewReader(adjacency)
	if listsEdges(in) {
		return readEdges(in, name, services)
	}
	a, err := readTable(in, name, "no")
	if err != nil {
		return nil, err
	}
	if a.width != n || len(a.rows) != n {
		return nil, fmt.Errorf("%s has %d rows and %d columns, but %s has %d series: expected %d × %d, or a list of edges under the header %s",
			name, len(a.rows), a.width, seriesName, n, n, n, strings.Join(edgeHeader, ","))
	}
	return a.graph(order)
}

// order lists the columns by name.
func (t *table) order() ([]int, error) {
	order := make([]int, t.width)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(t.names[a], t.names[b]) })
	for i := 1; i < len(order); i++ {
		if a, b := order[i-1], order[i]; t.names[a] == t.names[b] {
			return nil, fmt.Errorf("%s: columns %d and %d are both called %q", t.file, min(a, b)+1, max(a, b)+1, t.names[a])
		}
	}
	return order, nil
}

// graph makes the edges between the columns in the given order; zero means no edge.
func (t *table) graph(order []int) (*model.Graph, error) {
	g := &model.Graph{RowPtr: make([]int32, 1, len(order)+1)}
	for _, r := range order {
		for j, c := range order {
			w := t.rows[r][c]
			if w != w || w < 0 {
				return nil, fmt.Errorf("%s:%d: column %d: weight %v, expected zero or more", t.file, t.lines[r], c+1, w)
			}
			if w > 0 {
				g.Col = append(g.Col, int32(j))
				g.Weight = append(g.Weight, w)
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g, nil
}
