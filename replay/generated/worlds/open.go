package worlds

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"presage/replay/generated"
)

// Data is a world read back. Missing values are NaN; stores have none but NaN. Arrays
// by node are [slice, node], by edge [slice, edge].
type Data struct {
	World World
	Nodes []Node // by name
	Edges []Edge // by caller and callee

	Response []float32 // ms, mean of the recorded calls: what is forecast
	True     []float32 // ms, mean of all calls: floor F0
	Requests []float32 // calls a second
	Errors   []float32 // share
	CPU      []float32 // cores, mean over replicas
	Memory   []float32 // bytes, mean over replicas
	Replicas []float32

	EdgeCalls  []float32 // in the slice, recorded
	EdgeErrors []float32 // share
	EdgeMs     []float32

	Incidents []generated.Incident
	Depths    []float64 // share of calls by depth below the entry
	Retries   Retries
	Future    Future
}

// Future is floor F1: quantiles of the recorded mean response time over continuations from the
// simulator's whole state, [origin, horizon, node], ms; NaN for stores.
type Future struct {
	Origins           []int // the last slice that is known; the target of horizon h is h slices later
	Horizons          int
	Low, Median, High []float32 // the 5 %, 50 % and 95 % quantiles
}

// Slices is the length of the run.
func (d *Data) Slices() int { return d.World.Slices }

// TestFrom is the first slice of the test part.
func (d *Data) TestFrom() int { return int(float64(d.World.Slices) * (1 - TestShare)) }

// Open reads the files that World.Write wrote.
func Open(dir string) (*Data, error) {
	text, err := os.ReadFile(filepath.Join(dir, fileWorld))
	if err != nil {
		return nil, fmt.Errorf("worlds: open: %w", err)
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("worlds: read %s: %w", fileWorld, err)
	}
	d := &Data{World: h.World, Nodes: h.Nodes, Edges: h.Edges, Depths: h.Depths, Retries: h.Retry}
	if err := d.readNodes(dir); err != nil {
		return nil, err
	}
	if err := d.readEdges(dir); err != nil {
		return nil, err
	}
	if err := d.readFuture(dir); err != nil {
		return nil, err
	}
	return d, d.readIncidents(dir)
}

// empty makes an array of missing values.
func empty(n int) []float32 {
	x := make([]float32, n)
	nan := float32(math.NaN())
	for i := range x {
		x[i] = nan
	}
	return x
}

// readNodes reads the services' observations.
func (d *Data) readNodes(dir string) error {
	n := len(d.Nodes)
	for _, column := range []*[]float32{&d.Response, &d.True, &d.Requests, &d.Errors, &d.CPU, &d.Memory, &d.Replicas} {
		*column = empty(n * d.World.Slices)
	}
	second := float32(d.World.Sampling * d.World.Width.Seconds())
	return readTable(filepath.Join(dir, fileNodes), len(nodeFields), func(c []column, row int) error {
		k, err := cell(c[0].ints[row], d.World.Slices, c[1].ints[row], n)
		if err != nil {
			return err
		}
		d.Response[k], d.True[k] = c[2].float(row), c[3].float(row)
		calls := c[4].float(row)
		d.Requests[k] = calls / second
		d.Errors[k] = c[5].float(row) / calls // NaN without calls
		d.CPU[k], d.Memory[k], d.Replicas[k] = c[6].float(row), c[7].float(row), c[8].float(row)
		return nil
	})
}

// readEdges reads the edges' observations.
func (d *Data) readEdges(dir string) error {
	n := len(d.Edges)
	d.EdgeCalls, d.EdgeErrors, d.EdgeMs = empty(n*d.World.Slices), empty(n*d.World.Slices), empty(n*d.World.Slices)
	return readTable(filepath.Join(dir, fileEdges), len(edgeFields), func(c []column, row int) error {
		k, err := cell(c[0].ints[row], d.World.Slices, c[1].ints[row], n)
		if err != nil {
			return err
		}
		d.EdgeCalls[k] = c[2].float(row)
		d.EdgeErrors[k] = c[3].float(row) / d.EdgeCalls[k]
		d.EdgeMs[k] = c[4].float(row)
		return nil
	})
}

// readFuture reads floor F1.
func (d *Data) readFuture(dir string) error {
	f := &d.Future
	f.Origins, f.Horizons = d.World.origins(), d.World.Floors.Horizons
	at := make(map[int32]int, len(f.Origins))
	for k, o := range f.Origins {
		at[int32(o)] = k
	}
	size := len(f.Origins) * f.Horizons * len(d.Nodes)
	f.Low, f.Median, f.High = empty(size), empty(size), empty(size)
	return readTable(filepath.Join(dir, fileFuture), len(futureFields), func(c []column, row int) error {
		origin, known := at[c[0].ints[row]]
		k, err := cell(c[1].ints[row]-1, f.Horizons, c[2].ints[row], len(d.Nodes))
		if err != nil || !known {
			return fmt.Errorf("origin %d: %w", c[0].ints[row], err)
		}
		k += origin * f.Horizons * len(d.Nodes)
		f.Low[k], f.Median[k], f.High[k] = c[3].float(row), c[4].float(row), c[5].float(row)
		return nil
	})
}

// cell returns the place of row and column in an array of rows × columns.
func cell(row int32, rows int, column int32, columns int) (int, error) {
	if row < 0 || int(row) >= rows || column < 0 || int(column) >= columns {
		return 0, fmt.Errorf("place %d, %d outside %d × %d", row, column, rows, columns)
	}
	return int(row)*columns + int(column), nil
}

// readIncidents reads the truth about incidents.
func (d *Data) readIncidents(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, fileIncidents))
	if err != nil {
		return fmt.Errorf("worlds: open: %w", err)
	}
	for line := range bytes.Lines(text) {
		var in generated.Incident
		if err := json.Unmarshal(line, &in); err != nil {
			return fmt.Errorf("worlds: read %s, line %d: %w", fileIncidents, len(d.Incidents)+1, err)
		}
		d.Incidents = append(d.Incidents, in)
	}
	return nil
}

// column is a batch of one column: ints or floats.
type column struct {
	ints   []int32
	floats []float32
	array  interface{ IsNull(int) bool }
}

// float returns a value, NaN if it is missing.
func (c *column) float(row int) float32 {
	switch {
	case c.array.IsNull(row):
		return float32(math.NaN())
	case c.floats != nil:
		return c.floats[row]
	default:
		return float32(c.ints[row])
	}
}

// readTable calls visit for every row of a Parquet file.
func readTable(path string, columns int, visit func(c []column, row int) error) error {
	f, err := file.OpenParquetFile(path, false)
	if err != nil {
		return fmt.Errorf("worlds: open %s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // only read
	reader, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: 1 << 16}, memory.DefaultAllocator)
	if err != nil {
		return fmt.Errorf("worlds: read %s: %w", path, err)
	}
	records, err := reader.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return fmt.Errorf("worlds: read %s: %w", path, err)
	}
	defer records.Release()
	batch := make([]column, columns)
	for records.Next() {
		record := records.Record()
		if int(record.NumCols()) != columns {
			return fmt.Errorf("worlds: read %s: %d columns, expected %d", path, record.NumCols(), columns)
		}
		for i, a := range record.Columns() {
			switch a := a.(type) {
			case *array.Int32:
				batch[i] = column{ints: a.Int32Values(), array: a}
			case *array.Float32:
				batch[i] = column{floats: a.Float32Values(), array: a}
			default:
				return fmt.Errorf("worlds: read %s: column %d is %v", path, i, a.DataType())
			}
		}
		for row := range int(record.NumRows()) {
			if err := visit(batch, row); err != nil {
				return fmt.Errorf("worlds: read %s: %w", path, err)
			}
		}
	}
	if err := records.Err(); err != nil && err.Error() != "EOF" {
		return fmt.Errorf("worlds: read %s: %w", path, err)
	}
	return nil
}
