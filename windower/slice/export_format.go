package slice

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// A tableWriter writes records of one schema to a file of some format.
type tableWriter interface {
	Write(arrow.Record) error
	Close() error
}

// exportFormat gives the writer that the file's ending asks for.
func exportFormat(path string) (func(io.Writer, *arrow.Schema) (tableWriter, error), error) {
	switch ending := strings.ToLower(filepath.Ext(path)); ending {
	case ".parquet":
		return newParquetWriter, nil
	case ".arrow":
		return newArrowWriter, nil
	case ".csv":
		return newCSVWriter, nil
	default:
		return nil, fmt.Errorf("export to %s: unknown ending %q, expected .parquet, .arrow or .csv", path, ending)
	}
}

func newParquetWriter(w io.Writer, schema *arrow.Schema) (tableWriter, error) {
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("presage"))
	return pqarrow.NewFileWriter(schema, w, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
}

// newArrowWriter writes the Arrow file format, also known as Feather 2.
func newArrowWriter(w io.Writer, schema *arrow.Schema) (tableWriter, error) {
	return ipc.NewFileWriter(&positionWriter{Writer: w}, ipc.WithSchema(schema), ipc.WithZstd())
}

// A positionWriter knows how much was written, which is all that the Arrow file
// writer seeks for.
type positionWriter struct {
	io.Writer
	at int64
}

func (s *positionWriter) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	s.at += int64(n)
	return n, err
}

func (s *positionWriter) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, fmt.Errorf("seek to %d from %d: only the place in the file can be asked for", offset, whence)
	}
	return s.at, nil
}

// A csvWriter writes a header and a line a row; missing values are empty.
type csvWriter struct {
	*csv.Writer
	line []string
}

func newCSVWriter(w io.Writer, schema *arrow.Schema) (tableWriter, error) {
	c := &csvWriter{Writer: csv.NewWriter(w)}
	for _, f := range schema.Fields() {
		c.line = append(c.line, f.Name)
	}
	return c, c.Writer.Write(c.line)
}

// Write implements tableWriter.
func (c *csvWriter) Write(record arrow.Record) error {
	for row := range int(record.NumRows()) {
		for i, column := range record.Columns() {
			c.line[i] = csvValue(column, row)
		}
		if err := c.Writer.Write(c.line); err != nil {
			return err
		}
	}
	return nil
}

// Close implements tableWriter.
func (c *csvWriter) Close() error {
	c.Flush()
	return c.Error()
}

func csvValue(column arrow.Array, row int) string {
	if column.IsNull(row) {
		return ""
	}
	if f, ok := column.(*array.Float64); ok {
		return strconv.FormatFloat(f.Value(row), 'f', -1, 64)
	}
	return column.ValueStr(row)
}
