package slice

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// exportRows is about how many rows are held in memory, and how many a row group
// of a Parquet file has.
const exportRows = 1 << 16

// Export writes a table of the history, "nodes", "edges" or "forecasts", to a file
// whose ending says how: .parquet, .arrow or .csv. Of each slice the latest revision
// is written. The file is there, whole, only when Export returns no error. rows is
// how many were written. See docs/format/history.md for the columns.
func Export(ctx context.Context, h *History, table, path string) (rows int64, err error) {
	open, err := exportFormat(path)
	if err != nil {
		return 0, err
	}
	fill, fields, err := exportTable(h, table)
	if err != nil {
		return 0, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return 0, fmt.Errorf("export %s to %s: %w", table, path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("export %s to %s: %w", table, path, err)
			_, _ = file.Close(), os.Remove(file.Name()) // the first error says more
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<18)
	w, err := open(buffer, arrow.NewSchema(fields, nil))
	if err != nil {
		return 0, err
	}
	if err := fill(func(n int, columns []arrow.Array) error {
		rows += int64(n)
		record := array.NewRecord(arrow.NewSchema(fields, nil), columns, int64(n))
		defer record.Release()
		for _, c := range columns {
			c.Release()
		}
		return errors.Join(w.Write(record), ctx.Err())
	}); err != nil {
		return 0, errors.Join(err, w.Close())
	}
	if err := errors.Join(w.Close(), buffer.Flush(), file.Chmod(0o644), file.Close()); err != nil {
		return 0, err
	}
	return rows, os.Rename(file.Name(), path)
}

// A tableFiller hands on a table's rows in batches of arrays.
type tableFiller func(write func(rows int, columns []arrow.Array) error) error

func exportTable(h *History, table string) (tableFiller, []arrow.Field, error) {
	switch table {
	case "nodes":
		return func(write func(int, []arrow.Array) error) error { return exportSlices(h, &nodeTable{}, write) }, nodeTableFields(), nil
	case "edges":
		return func(write func(int, []arrow.Array) error) error { return exportSlices(h, &edgeTable{}, write) }, edgeTableFields(), nil
	case "forecasts":
		return func(write func(int, []arrow.Array) error) error { return exportForecasts(h, write) }, forecastFields(), nil
	}
	return nil, nil, fmt.Errorf("export: unknown table %q, expected nodes, edges or forecasts", table)
}

// A sliceTable gathers rows of snapshots.
type sliceTable interface {
	add(s *Snapshot)
	rows() int
	// take gives the rows as arrays and begins anew.
	take() []arrow.Array
}

func exportSlices(h *History, t sliceTable, write func(int, []arrow.Array) error) error {
	for s, err := range h.Slices(math.MinInt64, math.MaxInt64) {
		if err != nil {
			return err
		}
		if t.add(s); t.rows() >= exportRows {
			if err := write(t.rows(), t.take()); err != nil {
				return err
			}
		}
	}
	if t.rows() == 0 {
		return nil
	}
	return write(t.rows(), t.take())
}

func exportForecasts(h *History, write func(int, []arrow.Array) error) error {
	var rows []ForecastRow
	for made, err := range h.Forecasts() {
		if err != nil {
			return err
		}
		if rows = append(rows, made...); len(rows) >= exportRows {
			if err := write(len(rows), forecastArrays(rows)); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return write(len(rows), forecastArrays(rows))
}

// append adds a value, or a missing one.
func (c *Column) append(v float64, ok bool) {
	if !ok {
		v = 0
	}
	c.Value, c.Valid = append(c.Value, v), append(c.Valid, ok)
}

// A nodeTable has a row for each service of each slice. Virtual services have
// their name only.
type nodeTable struct {
	start   []int64
	service []string
	values  [10]Column
}

// exported lists the columns that the table has.
func (n *Nodes) exported() []namedColumn {
	return []namedColumn{
		{"requests", &n.Requests}, {"errors", &n.Errors}, {"mean_ms", &n.Mean}, {"p50_ms", &n.P50}, {"p95_ms", &n.P95},
		{"p99_ms", &n.P99}, {"cpu", &n.CPU}, {"memory", &n.Memory}, {"replicas", &n.Replicas},
	}
}

func nodeTableFields() []arrow.Field {
	fields := []arrow.Field{field("slice_start_ms", arrow.PrimitiveTypes.Int64), field("service", arrow.BinaryTypes.String)}
	for _, c := range (&Nodes{}).exported() {
		fields = append(fields, arrow.Field{Name: c.name, Type: arrow.PrimitiveTypes.Float64, Nullable: true})
	}
	return fields
}

func (t *nodeTable) add(s *Snapshot) {
	for i, service := range s.Nodes.Service {
		t.start = append(t.start, s.Start()/1e6)
		t.service = append(t.service, service)
		for k, c := range s.Nodes.exported() {
			v, ok := c.At(i)
			t.values[k].append(v, ok && !s.Nodes.Virtual[i])
		}
	}
}

func (t *nodeTable) rows() int { return len(t.start) }

func (t *nodeTable) take() []arrow.Array {
	columns := []arrow.Array{intArray(t.start), stringArray(t.service)}
	for k := range (&Nodes{}).exported() {
		columns = append(columns, columnArray(&t.values[k], 0, t.rows()))
	}
	*t = nodeTable{}
	return columns
}

// An edgeTable has a row for each caller and callee of each slice: the kinds of
// edge between the same two are added up.
type edgeTable struct {
	start          []int64
	caller, callee []string
	calls, errors  []float64
	mean           Column
}

func edgeTableFields() []arrow.Field {
	return []arrow.Field{
		field("slice_start_ms", arrow.PrimitiveTypes.Int64), field("caller", arrow.BinaryTypes.String), field("callee", arrow.BinaryTypes.String),
		field("calls", arrow.PrimitiveTypes.Float64), field("errors", arrow.PrimitiveTypes.Float64),
		{Name: "mean_ms", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	}
}

func (t *edgeTable) add(s *Snapshot) {
	e := &s.Edges
	for caller, name := range s.Nodes.Service {
		for k, end := e.Of(caller); k < end; {
			callee := e.Callee[k]
			var calls, failed, total float64
			for ; k < end && e.Callee[k] == callee; k++ {
				calls += e.Calls[k]
				failed += e.Errors[k]
				total += float64(e.Calls[k] * e.Mean[k])
			}
			t.start = append(t.start, s.Start()/1e6)
			t.caller = append(t.caller, name)
			t.callee = append(t.callee, s.Nodes.Service[callee])
			t.calls, t.errors = append(t.calls, calls), append(t.errors, failed)
			if calls > 0 {
				t.mean.append(total/calls, true)
			} else {
				t.mean.append(0, false)
			}
		}
	}
}

func (t *edgeTable) rows() int { return len(t.start) }

func (t *edgeTable) take() []arrow.Array {
	columns := []arrow.Array{
		intArray(t.start), stringArray(t.caller), stringArray(t.callee),
		floatArray(t.calls), floatArray(t.errors), columnArray(&t.mean, 0, t.rows()),
	}
	*t = edgeTable{}
	return columns
}
