package extsort

import (
	"cmp"
	"context"
	"slices"
)

// fanIn is how many runs of one size are merged into one of the next size, which
// bounds open files and read buffers.
const fanIn = 64

const entrySize = 24

// Sorter sorts the rows of one file. Close removes what it spilled.
type Sorter struct {
	dir    string
	budget int
	arena  []byte
	index  []entry
	levels [][]run // levels[i]: runs made of fanIn^i spilled arenas, oldest first
	min    int64
	max    int64
	rows   int64
}

// NewSorter makes a sorter that keeps about budget bytes in memory and spills to
// files in dir ("" is the system's folder for temporary files).
func NewSorter(dir string, budget int) *Sorter {
	return &Sorter{dir: dir, budget: max(budget, 64<<10)}
}

// Rows is how many rows were added; Range the lowest and highest key among them.
func (s *Sorter) Rows() int64 { return s.rows }

// Range is the lowest and the highest key added, 0 and 0 if there is none.
func (s *Sorter) Range() (lowest, highest int64) { return s.min, s.max }

// Add adds a row; its bytes are copied.
func (s *Sorter) Add(key int64, row []byte) error {
	if len(s.index) > 0 && len(s.arena)+len(row)+entrySize*(len(s.index)+1) > s.budget {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if s.rows == 0 || key < s.min {
		s.min = key
	}
	if s.rows == 0 || key > s.max {
		s.max = key
	}
	s.rows++
	s.index = append(s.index, entry{key, len(s.arena), len(row)})
	s.arena = append(s.arena, row...)
	return nil
}

func (s *Sorter) sorted() *memoryRun {
	slices.SortFunc(s.index, func(a, b entry) int {
		if c := cmp.Compare(a.key, b.key); c != 0 {
			return c
		}
		return cmp.Compare(a.offset, b.offset)
	})
	return &memoryRun{arena: s.arena, index: s.index}
}

// flush spills the arena, and merges runs of one size once there are fanIn of them.
func (s *Sorter) flush() error {
	d, err := spill(s.dir, s.sorted())
	if err != nil {
		return err
	}
	s.arena, s.index = s.arena[:0], s.index[:0]
	for level, added := 0, run(d); ; level++ {
		if level == len(s.levels) {
			s.levels = append(s.levels, nil)
		}
		s.levels[level] = append(s.levels[level], added)
		if len(s.levels[level]) < fanIn {
			return nil
		}
		m, err := newMerged(s.levels[level])
		if err != nil {
			return err
		}
		whole, err := spill(s.dir, m)
		if err != nil {
			return err
		}
		closeAll(s.levels[level])
		s.levels[level], added = nil, whole
	}
}

// finish returns the sorter's runs in order of arrival; they are the caller's.
// The sorter is empty afterwards.
func (s *Sorter) finish() []run {
	var runs []run
	for i := len(s.levels) - 1; i >= 0; i-- {
		runs = append(runs, s.levels[i]...)
	}
	if len(s.index) > 0 {
		runs = append(runs, s.sorted())
	}
	s.levels, s.arena, s.index = nil, nil, nil
	return runs
}

// Each calls fn for all rows by rising key. The sorter is empty afterwards.
func (s *Sorter) Each(ctx context.Context, fn func(key int64, row []byte) error) error {
	runs := s.finish()
	defer closeAll(runs)
	m, err := newMerged(runs)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ok, err := m.next()
		if err != nil || !ok {
			return err
		}
		if err := fn(m.key(), m.row()); err != nil {
			return err
		}
	}
}

// Close removes what was spilled and not read.
func (s *Sorter) Close() error {
	closeAll(s.finish())
	return nil
}

func closeAll(runs []run) {
	for _, r := range runs {
		_ = r.close() // a temporary file: nothing to be done
	}
}
