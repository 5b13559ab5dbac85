package matrix

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// table is a CSV of numbers, NaN for an empty cell.
type table struct {
	file  string
	names []string // of the columns
	width int
	rows  [][]float32
	lines []int // of the rows in the file
}

// maxLine bounds a row, in bytes.
const maxLine = 64 << 20

// readTable reads a CSV without quotes.
func readTable(r io.Reader, file, header string) (*table, error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	t := &table{file: file}
	var first []string // held back until the second row tells whether it is a header
	line, firstLine := 0, 0
	for in.Scan() {
		line++
		text := strings.TrimRight(in.Text(), "\r")
		if line == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		cells := strings.Split(text, ",")
		if first == nil && t.width == 0 {
			first, firstLine, t.width = cells, line, len(cells)
			continue
		}
		if len(cells) != t.width {
			return nil, fmt.Errorf("%s:%d: %d columns, but line %d has %d", file, line, len(cells), firstLine, t.width)
		}
		if first != nil {
			if err := t.begin(first, firstLine, cells, header); err != nil {
				return nil, err
			}
			first = nil
		}
		if err := t.add(cells, line); err != nil {
			return nil, err
		}
	}
	if err := in.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, fmt.Errorf("%s:%d: row of more than %d bytes: is this a CSV of numbers?", file, line+1, maxLine)
		}
		return nil, fmt.Errorf("%s:%d: %w", file, line+1, err)
	}
	if first != nil {
		if err := t.begin(first, firstLine, nil, header); err != nil {
			return nil, err
		}
	}
	if len(t.rows) == 0 {
		return nil, fmt.Errorf("%s: no rows of numbers", file)
	}
	return t, nil
}

// begin decides what the first row is.
func (t *table) begin(first []string, line int, second []string, header string) error {
	var isHeader bool
	switch header {
	case "yes":
		isHeader = true
	case "no":
	case "", "auto":
		isHeader = looksLikeHeader(first, second)
	default:
		return fmt.Errorf("header %q, expected yes, no or auto", header)
	}
	t.names = make([]string, t.width)
	digits := len(strconv.Itoa(t.width))
	for i := range t.names {
		t.names[i] = fmt.Sprintf("series-%0*d", digits, i+1)
		if isHeader {
			t.names[i] = strings.Trim(strings.TrimSpace(first[i]), `"`)
			if t.names[i] == "" {
				return fmt.Errorf("%s:%d: column %d has no name", t.file, line, i+1)
			}
		}
	}
	if isHeader {
		return nil
	}
	return t.add(first, line)
}

// looksLikeHeader: see Options.Header.
func looksLikeHeader(first, second []string) bool {
	seen := map[string]bool{}
	whole := true
	for _, c := range first {
		c = strings.TrimSpace(c)
		if _, err := strconv.ParseFloat(c, 64); err != nil && c != "" {
			return true
		}
		whole = whole && isWhole(c) && !seen[c]
		seen[c] = true
	}
	if !whole {
		return false
	}
	for _, c := range second {
		if !isWhole(strings.TrimSpace(c)) {
			return true
		}
	}
	return false
}

func isWhole(c string) bool {
	_, err := strconv.ParseInt(c, 10, 64)
	return err == nil
}

// add parses one row.
func (t *table) add(cells []string, line int) error {
	row := make([]float32, t.width)
	for i, c := range cells {
		c = strings.TrimSpace(c)
		if c == "" {
			row[i] = float32(math.NaN())
			continue
		}
		v, err := strconv.ParseFloat(c, 32)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s:%d: column %d: %q, expected a finite number or an empty cell", t.file, line, i+1, c)
		}
		row[i] = float32(v)
	}
	t.rows = append(t.rows, row)
	t.lines = append(t.lines, line)
	return nil
}
