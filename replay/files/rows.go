package files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds a line; a longer one is malformed.
const maxLine = 1 << 20

// Column is a column that a table has.
type Column struct {
	Names    []string // spellings, any letter case; the first is used in messages
	Optional bool
}

// Columns makes required columns with one spelling each.
func Columns(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, name := range names {
		columns[i] = Column{Names: []string{name}}
	}
	return columns
}

// Rows reads the rows of a CSV file. A quoted field may hold commas and doubled
// quotes, but no line break. Rows with another number of fields than the header are counted as
// malformed and passed over.
type Rows struct {
	file    *File
	r       *bufio.Reader
	skips   *Skips
	line    int
	width   int   // fields of a whole row
	loose   bool  // no header: missing trailing fields are empty
	places  []int // columns[i] lies at places[i]; -1: not there
	all     [][]byte
	fields  [][]byte
	long    []byte
	scratch []byte
}

// ReadHeader starts reading a file whose first line names the columns, in any
// order and among others. A missing column is an error that says what was found.
func ReadHeader(f *File, skips *Skips, columns []Column) (*Rows, error) {
	r := newRows(f, skips, len(columns))
	line, err := r.readLine()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s is empty: expected a line with the columns %s", f.Name, names(columns))
	}
	if err != nil {
		return nil, err
	}
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	if !r.split(line) {
		return nil, fmt.Errorf("%s:1: unreadable header %.100q: expected the columns %s", f.Name, line, names(columns))
	}
	r.width = len(r.all)
	place := make(map[string]int, len(r.all))
	found := make([]string, 0, len(r.all))
	for i, field := range r.all {
		name := strings.ToLower(strings.TrimSpace(string(field)))
		if _, ok := place[name]; !ok {
			place[name] = i
		}
		found = append(found, clip(name))
	}
	var missing []string
	for _, c := range columns {
		at := -1
		for _, name := range c.Names {
			if i, ok := place[strings.ToLower(name)]; ok {
				at = i
				break
			}
		}
		if at < 0 && !c.Optional {
			missing = append(missing, strings.Join(c.Names, " or "))
		}
		r.places = append(r.places, at)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%s: a file of another format: expected the columns %s; missing %s; found %s",
			f.Name, names(columns), strings.Join(missing, ", "), strings.Join(found, ","))
	}
	return r, nil
}

// ReadPlain starts reading a file without header, whose columns have a fixed
// order. Rows with fewer fields than least, or with more than columns has, are malformed;
// fields missing at a row's end are empty.
func ReadPlain(f *File, skips *Skips, columns []string, least int) *Rows {
	r := newRows(f, skips, len(columns))
	r.loose, r.width = true, least
	for i := range columns {
		r.places = append(r.places, i)
	}
	return r
}

func newRows(f *File, skips *Skips, n int) *Rows {
	return &Rows{file: f, r: bufio.NewReaderSize(f, bufferSize), skips: skips, fields: make([][]byte, n)}
}

func names(columns []Column) string {
	s := make([]string, 0, len(columns))
	for _, c := range columns {
		if !c.Optional {
			s = append(s, strings.Join(c.Names, " or "))
		}
	}
	return strings.Join(s, ", ")
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// Line is the number of the line that Next returned last, from 1.
func (r *Rows) Line() int { return r.line }

// Next returns the next row's fields in the order of the columns; an absent
// optional column is nil. They are valid until the next call. After the last row
// comes io.EOF; any other error means that the file can't be read on.
func (r *Rows) Next() ([][]byte, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return nil, err
		}
		if len(line) == 0 {
			continue
		}
		if len(line) > maxLine {
			r.Skip(Malformed, "line longer than 1 MiB")
			continue
		}
		if !r.split(line) {
			r.Skip(Malformed, "unmatched quote")
			continue
		}
		if r.loose {
			if len(r.all) < r.width || len(r.all) > len(r.places) {
				r.Skip(Malformed, fmt.Sprintf("expected %d fields, found %d", len(r.places), len(r.all)))
				continue
			}
		} else if len(r.all) != r.width {
			r.Skip(Malformed, fmt.Sprintf("expected %d fields as in the header, found %d", r.width, len(r.all)))
			continue
		}
		for i, at := range r.places {
			switch {
			case at >= 0 && at < len(r.all):
				r.fields[i] = r.all[at]
			default:
				r.fields[i] = nil
			}
		}
		return r.fields, nil
	}
}

// Skip counts the current row as left out.
func (r *Rows) Skip(reason, detail string) {
	r.skips.Add(reason, r.file.Name, r.line, func() string { return detail })
}

// Bad counts the current row as malformed because of one column's field.
func (r *Rows) Bad(column string, field []byte) {
	r.skips.Add(Malformed, r.file.Name, r.line, func() string {
		return fmt.Sprintf("column %s holds %.60q", column, field)
	})
}

// readLine returns the next line without its end. A line longer than maxLine
// comes back as maxLine+1 bytes of it.
func (r *Rows) readLine() ([]byte, error) {
	r.line++
	line, err := r.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = append(r.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = r.r.ReadSlice('\n')
			if room := maxLine + 1 - len(r.long); room > 0 {
				r.long = append(r.long, line[:min(room, len(line))]...)
			}
		}
		line = r.long
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w (at line %d)", err, r.line)
	}
	if err != nil && len(line) == 0 {
		return nil, io.EOF
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// split cuts a line into r.all; false if a quote is not closed.
func (r *Rows) split(line []byte) bool {
	r.all = r.all[:0]
	if bytes.IndexByte(line, '"') >= 0 {
		return r.splitQuoted(line)
	}
	for {
		i := bytes.IndexByte(line, ',')
		if i < 0 {
			r.all = append(r.all, line)
			return true
		}
		r.all = append(r.all, line[:i])
		line = line[i+1:]
	}
}

func (r *Rows) splitQuoted(line []byte) bool {
	// Unquoted text is never longer than the line, so scratch does not move.
	if cap(r.scratch) < len(line) {
		r.scratch = make([]byte, 0, 2*len(line))
	}
	scratch := r.scratch[:0]
	for {
		if len(line) == 0 || line[0] != '"' {
			i := bytes.IndexByte(line, ',')
			if i < 0 {
				r.all = append(r.all, line)
				return true
			}
			r.all = append(r.all, line[:i])
			line = line[i+1:]
			continue
		}
		start := len(scratch)
		line = line[1:]
		for {
			i := bytes.IndexByte(line, '"')
			if i < 0 {
				return false
			}
			scratch = append(scratch, line[:i]...)
			line = line[i+1:]
			if len(line) > 0 && line[0] == '"' {
				scratch = append(scratch, '"')
				line = line[1:]
				continue
			}
			break
		}
		r.all = append(r.all, scratch[start:len(scratch):len(scratch)])
		if len(line) == 0 {
			return true
		}
		if line[0] != ',' {
			return false
		}
		line = line[1:]
	}
}
