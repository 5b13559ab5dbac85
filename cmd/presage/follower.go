package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"presage/internal/kafka"
	"presage/internal/screen"
	"presage/model"
	"presage/sink"
)

// follower puts the records of all partitions on one screen, slice by slice.
type follower struct {
	flags *subscribeFlags
	out   io.Writer

	mu         sync.Mutex
	partitions []followed
	tables     []table // by slice start
}

// followed is how far a partition is: a slice is whole when every partition is past
// it, or has had nothing for a while.
type followed struct {
	newest int64 // slice start
	quiet  bool
}

type table struct {
	start         int64
	graph, target string
	rows          []model.Forecast
}

// maxTables bounds what waits for a partition that lags.
const maxTables = 256

func newFollower(flags *subscribeFlags, out io.Writer, partitions int) *follower {
	f := &follower{flags: flags, out: out, partitions: make([]followed, partitions)}
	for i := range f.partitions {
		f.partitions[i].newest = math.MinInt64
	}
	return f
}

// take gets the next records of a partition; none means that it was quiet.
func (f *follower) take(partition int, records []kafka.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.partitions[partition]
	p.quiet = len(records) == 0
	for _, r := range records {
		record, err := sink.Decode(r.Value)
		if err != nil {
			return fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		p.newest = max(p.newest, record.SliceStart)
		if !f.wanted(record.Forecast) {
			continue
		}
		if f.flags.json {
			if _, err := fmt.Fprintf(f.out, "%s\n", r.Value); err != nil {
				return err
			}
			continue
		}
		f.add(record.Forecast)
	}
	return f.show(f.whole())
}

// whole is the slice start before which all is there.
func (f *follower) whole() int64 {
	at := int64(math.MaxInt64)
	for _, p := range f.partitions {
		if !p.quiet {
			at = min(at, p.newest)
		}
	}
	if n := len(f.tables); n > maxTables {
		at = max(at, f.tables[n-maxTables].start)
	}
	return at
}

func (f *follower) wanted(c model.Forecast) bool {
	match := func(want, have string) bool { return want == "" || want == have }
	return match(f.flags.graph, c.Graph) && match(f.flags.service, c.Service) && match(f.flags.target, c.Target)
}

func (f *follower) add(c model.Forecast) {
	key := table{start: c.SliceStart, graph: c.Graph, target: c.Target}
	at, found := slices.BinarySearchFunc(f.tables, key, func(a, b table) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.graph, b.graph), cmp.Compare(a.target, b.target))
	})
	if !found {
		f.tables = slices.Insert(f.tables, at, key)
	}
	f.tables[at].rows = append(f.tables[at].rows, c)
}

// show prints the tables of slices that start before an instant.
func (f *follower) show(before int64) error {
	n := 0
	for ; n < len(f.tables) && (f.tables[n].start < before || before == math.MaxInt64); n++ {
		t := f.tables[n]
		slices.SortStableFunc(t.rows, func(a, b model.Forecast) int { return cmp.Compare(a.Service, b.Service) })
		c := t.rows[0]
		_, err := fmt.Fprintf(f.out, "%s  %s  slice %s (%s)  %g %% intervals\n%s\n", screen.Plain(c.Graph), screen.Plain(c.Target),
			time.Unix(0, c.SliceStart).UTC().Format("2006-01-02 15:04:05"), time.Duration(c.SliceWidth), 100*c.Level,
			screen.Table(t.rows, f.flags.rows))
		if err != nil {
			return err
		}
	}
	f.tables = slices.Delete(f.tables, 0, n)
	return nil
}

// flush shows what is left.
func (f *follower) flush() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.show(math.MaxInt64)
}
