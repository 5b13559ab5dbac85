package worlds

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// The tables' columns. Numbers with a fraction are rounded to keptBits of mantissa, so
// that they compress.
var (
	nodeFields = []arrow.Field{
		intField("slice"), intField("service"),
		floatField("response_ms"), floatField("true_ms"), countField("calls"), countField("errors"),
		floatField("cpu"), floatField("memory"), countField("replicas"),
	}
	edgeFields   = []arrow.Field{intField("slice"), intField("edge"), countField("calls"), countField("errors"), floatField("mean_ms")}
	futureFields = []arrow.Field{intField("origin"), intField("horizon"), intField("service"), floatField("q05"), floatField("median"), floatField("q95")}
)

// keptBits of a number's mantissa are written: a relative error below 0.03 %.
const keptBits = 11

func intField(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32}
}

func countField(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Int32, Nullable: true}
}

func floatField(name string) arrow.Field {
	return arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true}
}

// rounded drops the bits of a mantissa that are not kept.
func rounded(x float64) float32 {
	const drop = 23 - keptBits
	bits := math.Float32bits(float32(x))
	bits += 1 << (drop - 1)
	return math.Float32frombits(bits &^ (1<<drop - 1))
}

// missing marks a count that is not there.
const missing = math.MinInt32

// table writes one Parquet file. It is there, whole, only after close returns no error.
type table struct {
	path   string
	file   *os.File
	buffer *bufio.Writer
	schema *arrow.Schema
	out    *pqarrow.FileWriter
}

// createTable begins a file of dir.
func createTable(dir, name string, fields []arrow.Field) (*table, error) {
	path := filepath.Join(dir, name)
	file, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return nil, fmt.Errorf("worlds: create %s: %w", path, err)
	}
	t := &table{path: path, file: file, buffer: bufio.NewWriterSize(file, 1<<18), schema: arrow.NewSchema(fields, nil)}
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(9), parquet.WithCreatedBy("presage"),
		parquet.WithMaxRowGroupLength(1 << 24), parquet.WithStats(false),
	}
	for _, f := range fields {
		switch {
		case f.Type.ID() == arrow.FLOAT32:
			options = append(options, parquet.WithDictionaryFor(f.Name, false))
		case !f.Nullable: // runs and ramps
			options = append(options, parquet.WithDictionaryFor(f.Name, false), parquet.WithEncodingFor(f.Name, parquet.Encodings.DeltaBinaryPacked))
		}
	}
	t.out, err = pqarrow.NewFileWriter(t.schema, t.buffer, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil {
		t.abandon()
		return nil, fmt.Errorf("worlds: create %s: %w", path, err)
	}
	return t, nil
}

// write writes a row group: a []int32 or []float32 for every column. Missing values are
// missing and NaN.
func (t *table) write(columns ...any) error {
	arrays := make([]arrow.Array, len(columns))
	rows := 0
	for i, c := range columns {
		switch values := c.(type) {
		case []int32:
			b := array.NewInt32Builder(memory.DefaultAllocator)
			b.AppendValues(values, present(values, func(v int32) bool { return v != missing }))
			arrays[i], rows = b.NewArray(), len(values)
		case []float32:
			b := array.NewFloat32Builder(memory.DefaultAllocator)
			b.AppendValues(values, present(values, func(v float32) bool { return v == v }))
			arrays[i], rows = b.NewArray(), len(values)
		}
	}
	record := array.NewRecord(t.schema, arrays, int64(rows))
	defer record.Release()
	if err := t.out.Write(record); err != nil {
		return fmt.Errorf("worlds: write %s: %w", t.path, err)
	}
	return nil
}

// present says of every value whether it is there.
func present[T any](values []T, is func(T) bool) []bool {
	ok := make([]bool, len(values))
	for i, v := range values {
		ok[i] = is(v)
	}
	return ok
}

// close finishes the file.
func (t *table) close() error {
	err := errors.Join(t.out.Close(), t.buffer.Flush(), t.file.Chmod(0o644), t.file.Close())
	if err == nil {
		err = os.Rename(t.file.Name(), t.path)
	}
	t.out = nil
	if err != nil {
		os.Remove(t.file.Name())
		return fmt.Errorf("worlds: write %s: %w", t.path, err)
	}
	return nil
}

// abandon removes a file that was not finished.
func (t *table) abandon() {
	if t == nil || t.out == nil && t.file == nil {
		return
	}
	t.file.Close()
	os.Remove(t.file.Name())
}
