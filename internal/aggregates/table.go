package aggregates

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// table reads a CSV row by row and speaks of its places in errors.
type table struct {
	file  string
	csv   *csv.Reader
	cells []string // of the current row, valid until the next one
	width int      // columns of the first row; zero before it
}

func newTable(r io.Reader, file string) *table {
	c := csv.NewReader(r)
	c.FieldsPerRecord = -1 // checked here, with the place in the error
	c.ReuseRecord = true
	return &table{file: file, csv: c}
}

// next reads a row of as many columns as the first one; false after the last.
func (t *table) next() (bool, error) {
	cells, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return false, fmt.Errorf("%s:%d: byte %d: %w", t.file, parse.Line, parse.Column, parse.Err)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", t.file, err)
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	t.cells = cells
	if t.width == 0 {
		cells[0] = strings.TrimPrefix(cells[0], "\ufeff")
		t.width = len(cells)
	}
	if len(cells) != t.width {
		return false, fmt.Errorf("%s:%d: %d columns, but the first row has %d", t.file, t.line(), len(cells), t.width)
	}
	return true, nil
}

// need is next where the table must not end yet.
func (t *table) need(what string) error {
	ok, err := t.next()
	if err == nil && !ok {
		err = fmt.Errorf("%s: ends before %s", t.file, what)
	}
	return err
}

func (t *table) line() int {
	line, _ := t.csv.FieldPos(0)
	return line
}

// wrong is the error of a cell of the current row; name is the column's.
func (t *table) wrong(column int, name, expected string) error {
	line, _ := t.csv.FieldPos(column)
	return fmt.Errorf("%s:%d: column %d (%s): %q, expected %s", t.file, line, column+1, name, t.cells[column], expected)
}

// number reads a cell as a number from zero to limit.
func (t *table) number(column int, name string, limit float64) (float64, error) {
	v, err := strconv.ParseFloat(t.cells[column], 64)
	if err != nil || !(v >= 0 && v <= limit) {
		return 0, t.wrong(column, name, fmt.Sprintf("a number from 0 to %g", limit))
	}
	return v, nil
}

// maxUnix keeps every time, and a time plus the widest slice, within int64 nanoseconds.
const maxUnix = 1 << 32

// time reads a cell of Unix seconds, whole or not, as nanoseconds.
func (t *table) time(column int, name string) (int64, error) {
	if s, err := strconv.ParseInt(t.cells[column], 10, 64); err == nil && s >= 0 && s <= maxUnix {
		return s * 1e9, nil
	}
	v, err := strconv.ParseFloat(t.cells[column], 64)
	if err != nil || !(v >= 0 && v <= maxUnix) {
		return 0, t.wrong(column, name, "Unix seconds")
	}
	// float64 holds today's Unix time to a quarter of a microsecond.
	return int64(math.Round(v*1e6)) * 1e3, nil
}
