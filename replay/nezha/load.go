package nezha

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"presage/replay/files"
)

// loadSpans reads the next span file. Traces that may go on in the next file are
// kept for it.
func (s *Source) loadSpans(ctx context.Context, add func(int64, []byte) error) error {
	if s.nextPart == len(s.spanParts) {
		return io.EOF
	}
	part := s.spanParts[s.nextPart]
	s.nextPart++
	err := s.opener.Each(ctx, part, func(f *files.File) error {
		rows, err := files.ReadHeader(f, &s.skips, spanColumns)
		if err != nil {
			return err
		}
		return s.eachRow(rows, func(fields [][]byte) error {
			row, ok := s.parseSpan(rows, fields)
			if !ok {
				return nil
			}
			s.window.add(row)
			return s.flush(add, false)
		})
	})
	if err != nil {
		return err
	}
	if s.nextPart == len(s.spanParts) {
		return s.flush(add, true)
	}
	return nil
}

// eachRow calls fn for every row of a file.
func (s *Source) eachRow(rows *files.Rows, fn func([][]byte) error) error {
	for {
		fields, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.rows++
		if err := fn(fields); err != nil {
			return err
		}
	}
}

// flush gives the traces that are whole to the sorter.
func (s *Source) flush(add func(int64, []byte) error, all bool) error {
	for {
		spans, split := s.window.due(all)
		if spans == nil {
			return nil
		}
		if split {
			s.skips.Count(SplitTrace, 1)
		}
		spans, found := classify(spans, s.pods)
		if found.doubled > 0 {
			s.skips.Count(DoubledRow, found.doubled)
		}
		if found.orphans > 0 {
			s.skips.Count(UnknownParent, found.orphans)
		}
		for i := range spans {
			s.buf = appendSpan(s.buf[:0], &spans[i])
			if err := add(spans[i].end, s.buf); err != nil {
				return err
			}
			s.sorted++
		}
	}
}

func (s *Source) parseSpan(rows *files.Rows, fields [][]byte) (row span, ok bool) {
	for i := range 4 { // ids and the pod
		if len(fields[i]) == 0 {
			rows.Bad(spanColumns[i].Names[0], fields[i])
			return row, false
		}
	}
	var startOK, endOK bool
	row.start, startOK = nanos(fields[5])
	row.end, endOK = nanos(fields[6])
	switch {
	case !startOK:
		rows.Bad("StartTimeUnixNano", fields[5])
		return row, false
	case !endOK:
		rows.Bad("EndTimeUnixNano", fields[6])
		return row, false
	case row.end < row.start:
		rows.Skip(files.Malformed, fmt.Sprintf("the span ends %d ns before it starts", row.start-row.end))
		return row, false
	}
	id(row.trace[:], fields[0])
	id(row.id[:], fields[1])
	if row.root = string(fields[2]) == "root"; !row.root {
		id(row.parent[:], fields[2])
	}
	row.pod = s.pods.get(fields[3])
	row.name = string(fields[4])
	return row, true
}

// id reads an identifier in hex digits; of any other text it takes a hash, so that
// equal texts are equal identifiers.
func id(dst, text []byte) {
	if len(text) == 2*len(dst) {
		if _, err := hex.Decode(dst, text); err == nil {
			return
		}
	}
	sum := sha256.Sum256(text)
	copy(dst, sum[:])
}

func nanos(field []byte) (int64, bool) {
	v, err := strconv.ParseInt(string(field), 10, 64)
	return v, err == nil && v > 0
}

// loadMetrics reads all metric files at once: they are of one pod each and cover
// the same hours.
func (s *Source) loadMetrics(ctx context.Context, add func(int64, []byte) error) error {
	if s.metricsRead || len(s.metricParts) == 0 {
		return io.EOF
	}
	s.metricsRead = true
	for _, part := range s.metricParts {
		err := s.opener.Each(ctx, part, func(f *files.File) error {
			rows, err := files.ReadHeader(f, &s.skips, metricColumns)
			if err != nil {
				return err
			}
			return s.eachRow(rows, func(fields [][]byte) error {
				at, r, ok := s.parseReading(rows, fields)
				if !ok {
					return nil
				}
				s.sorted++
				s.buf = appendReading(s.buf[:0], r)
				return add(at, s.buf)
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) parseReading(rows *files.Rows, fields [][]byte) (at int64, r reading, ok bool) {
	seconds, ok := nanos(fields[0])
	if !ok || seconds > math.MaxInt64/1_000_000_000 {
		rows.Bad("TimeStamp", fields[0])
		return 0, r, false
	}
	if len(fields[1]) == 0 {
		rows.Bad("PodName", fields[1])
		return 0, r, false
	}
	if r.cpu, ok = number(fields[2], 1e-3); !ok {
		rows.Bad("CpuUsage(m)", fields[2])
		return 0, r, false
	}
	if r.memory, ok = number(fields[3], 1<<20); !ok {
		rows.Bad("MemoryUsage(Mi)", fields[3])
		return 0, r, false
	}
	r.pod = s.pods.get(fields[1])
	return seconds * 1_000_000_000, r, true
}

// number reads a field in the given unit; an empty one is NaN.
func number(field []byte, unit float64) (float64, bool) {
	if len(field) == 0 {
		return math.NaN(), true
	}
	v, err := strconv.ParseFloat(string(field), 64)
	return v * unit, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) && v >= 0
}
