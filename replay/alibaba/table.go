package alibaba

import (
	"context"
	"errors"
	"io"
	"slices"

	"presage/replay/extsort"
	"presage/replay/files"
)

// table gives the rows of one table's files in time order. Rows are packed by
// read, which is called once a file, and given back by Next.
type table struct {
	parts  []files.Part
	opener files.Opener
	skips  *files.Skips
	merger *extsort.Merger
	rows   int64
	read   readFile
	grid   grid
	next   int
}

// readFile reads one file and adds its rows, keyed by a time in milliseconds.
type readFile func(ctx context.Context, f *files.File, t *table, add func(key int64, row []byte) error) error

func newTable(opts *Options, skips *files.Skips, parts []files.Part, read readFile) *table {
	t := &table{parts: parts, skips: skips, read: read}
	t.merger = extsort.NewMerger(opts.TempDir, opts.Memory, func(ctx context.Context, add func(int64, []byte) error) error {
		if t.next == len(t.parts) {
			return io.EOF
		}
		t.next++
		return t.part(ctx, t.parts[t.next-1], add)
	})
	return t
}

func (t *table) part(ctx context.Context, p files.Part, add func(int64, []byte) error) error {
	return t.opener.Each(ctx, p, func(f *files.File) error { return t.read(ctx, f, t, add) })
}

// Next returns the next row, valid until the next call, or io.EOF.
func (t *table) Next(ctx context.Context) (key int64, row []byte, err error) {
	return t.merger.Next(ctx)
}

func (t *table) size() (bytes int64) {
	for _, p := range t.parts {
		bytes += p.Size
	}
	return bytes
}

func (t *table) close() error { return errors.Join(t.merger.Close(), t.opener.Close()) }

// ends reads a table's first and last file for the lowest and highest time there
// is; end gives the time at which a row ends.
func (t *table) ends(ctx context.Context, end func(key int64, row []byte) int64) (lowest, highest int64, err error) {
	found := false
	for i, p := range t.parts {
		if i > 0 && i < len(t.parts)-1 {
			continue
		}
		err := t.part(ctx, p, func(key int64, row []byte) error {
			e := end(key, row)
			if !found || e < lowest {
				lowest = e
			}
			if !found || e > highest {
				highest = e
			}
			found = true
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
	}
	return lowest, highest, nil
}

// each reads the rows of a CSV file with a header.
func each(ctx context.Context, f *files.File, t *table, columns []files.Column, fn func(rows *files.Rows, fields [][]byte) error) error {
	rows, err := files.ReadHeader(f, t.skips, columns)
	if err != nil {
		return err
	}
	return eachRow(ctx, rows, t, fn)
}

func eachRow(ctx context.Context, rows *files.Rows, t *table, fn func(rows *files.Rows, fields [][]byte) error) error {
	for n := 1; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		fields, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t.rows++
		if err := fn(rows, fields); err != nil {
			return err
		}
	}
}

// grid finds the interval at which a table was sampled: the smallest step between
// the times that it has, where all of them are whole steps apart.
type grid struct{ times map[int64]struct{} }

const (
	gridTimes      = 4096
	leastInterval  = 1_000 // milliseconds
	commonInterval = 60_000
)

func (g *grid) add(at int64) {
	if g.times == nil {
		g.times = make(map[int64]struct{})
	}
	if len(g.times) < gridTimes {
		g.times[at] = struct{}{}
	}
}

// interval is in milliseconds; a minute where the table does not tell.
func (g *grid) interval() int64 {
	sorted := make([]int64, 0, len(g.times))
	for at := range g.times {
		sorted = append(sorted, at)
	}
	slices.Sort(sorted)
	least := int64(0)
	for i := 1; i < len(sorted); i++ {
		if step := sorted[i] - sorted[i-1]; step >= leastInterval && (least == 0 || step < least) {
			least = step
		}
	}
	for _, at := range sorted {
		if least == 0 || (at-sorted[0])%least != 0 {
			return commonInterval // no grid
		}
	}
	if least == 0 {
		return commonInterval
	}
	return least
}
