package extsort

import (
	"context"
	"errors"
	"io"
	"math"
)

// Load reads the next file of a table and adds its rows. It returns io.EOF,
// having added nothing, when there is no further file.
type Load func(ctx context.Context, add func(key int64, row []byte) error) error

// Merger gives the rows of many files by rising key. Files come in the order of
// their ranges: the lowest key of a file is taken for the lowest of all that
// follow, so that one file is read ahead and the rows below its lowest key are
// given out. What comes later than that is given out all the same and counted.
type Merger struct {
	dir    string
	budget int
	load   Load

	merged merged
	rank   int
	bound  int64 // rows below it may be given out
	ended  bool
	last   int64
	any    bool
	late   int64
	high   int64 // highest key loaded
	loaded bool
}

// NewMerger makes a merger over what load reads. It keeps about budget bytes in
// memory and spills to dir.
func NewMerger(dir string, budget int, load Load) *Merger {
	return &Merger{dir: dir, budget: budget, load: load, bound: math.MinInt64}
}

// Next returns the next row, valid until the next call, or io.EOF.
func (m *Merger) Next(ctx context.Context) (key int64, row []byte, err error) {
	for {
		key, ok, err := m.merged.peek()
		if err != nil {
			return 0, nil, err
		}
		if ok && (m.ended || key < m.bound) {
			break
		}
		if !ok && m.ended {
			return 0, nil, io.EOF
		}
		if err := m.loadNext(ctx); err != nil {
			return 0, nil, err
		}
	}
	if _, err := m.merged.next(); err != nil {
		return 0, nil, err
	}
	key = m.merged.key()
	if m.any && key < m.last {
		m.late++
	} else {
		m.last, m.any = key, true
	}
	return key, m.merged.row(), nil
}

// Late is how many rows came after rows with a higher key.
func (m *Merger) Late() int64 { return m.late }

// Highest is the highest key of the files loaded so far; ok is false before the first.
func (m *Merger) Highest() (key int64, ok bool) { return m.high, m.loaded }

func (m *Merger) loadNext(ctx context.Context) error {
	if err := m.spillMemory(); err != nil {
		return err
	}
	s := NewSorter(m.dir, m.budget)
	err := m.load(ctx, s.Add)
	if errors.Is(err, io.EOF) {
		m.ended = true
		return s.Close()
	}
	if err != nil {
		_ = s.Close() // the first error is the one to tell
		return err
	}
	if s.Rows() == 0 {
		return s.Close()
	}
	lowest, highest := s.Range()
	m.bound = lowest
	if !m.loaded || highest > m.high {
		m.high, m.loaded = highest, true
	}
	runs := s.finish()
	for i, r := range runs {
		if err := m.merged.add(r, m.rank); err != nil {
			closeAll(runs[i:])
			return err
		}
		m.rank++
	}
	return nil
}

// spillMemory moves rows of earlier files that still lie in memory to disk, so that the
// memory of one file's sorting is all there is.
func (m *Merger) spillMemory() error {
	for i := range m.merged.heap {
		src := &m.merged.heap[i]
		rest, ok := src.run.(*memoryRun)
		if !ok {
			continue
		}
		rest.at-- // the current row has not been given out yet
		d, err := spill(m.dir, rest)
		if err != nil {
			return err
		}
		if _, err := d.next(); err != nil {
			_ = d.close() // the first error is the one to tell
			return err
		}
		src.run = d
	}
	return nil
}

// Close removes what was spilled.
func (m *Merger) Close() error {
	m.ended = true
	return m.merged.close()
}
