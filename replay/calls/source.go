package calls

import (
	"context"
	"errors"
	"io"
	"math"
	"os"

	"presage/ingest/otlp"
	"presage/replay"
	"presage/replay/extsort"
	"presage/replay/files"
)

// Source is an open recording. It implements replay.Source and replay.Sampler.
type Source struct {
	options Options
	parts   []files.Part
	size    int64
	opener  files.Opener
	skips   files.Skips
	merger  *extsort.Merger
	next    int // part
	buf     []byte

	index    map[string]int
	services []service
	queue    []replay.Item // of the row read last
	taken    int           // of them given out

	rows, sorted, given int64
	first, last         int64
	ended               bool
}

type service struct {
	resource    []otlp.KeyValue
	cpu, memory float64 // readings given out last
	told        int64   // when
}

// Open opens a recording; Close it at the end.
func Open(ctx context.Context, o Options) (*Source, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	table := files.Table{Name: "calls", Patterns: []string{"calls*.csv"}}
	if info, err := os.Stat(o.Data); err == nil && !info.IsDir() {
		table.Patterns = []string{"*.csv"} // a file that is named may be called anything
	}
	found, err := files.Find(ctx, o.Data, table)
	if err != nil {
		return nil, err
	}
	s := &Source{options: o, parts: found[0], index: map[string]int{}}
	for _, p := range s.parts {
		s.size += p.Size
	}
	s.merger = extsort.NewMerger(o.TempDir, o.SortBytes, s.load)
	return s, nil
}

// load reads the next file.
func (s *Source) load(ctx context.Context, add func(int64, []byte) error) error {
	if s.next == len(s.parts) {
		return io.EOF
	}
	part := s.parts[s.next]
	s.next++
	return s.opener.Each(ctx, part, func(f *files.File) error {
		rows, err := files.ReadHeader(f, &s.skips, s.options.columns())
		if err != nil {
			return err
		}
		for {
			fields, err := rows.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			s.rows++
			c, ok := s.parse(rows, fields)
			if !ok {
				continue
			}
			c.number = s.rows
			s.buf = c.append(s.buf[:0])
			if err := add(c.end, s.buf); err != nil {
				return err
			}
			s.sorted++
		}
	})
}

func (s *Source) service(name []byte) int {
	if i, ok := s.index[string(name)]; ok {
		return i
	}
	i := len(s.services)
	s.index[string(name)] = i
	s.services = append(s.services, service{
		resource: []otlp.KeyValue{otlp.String("service.name", string(name))},
		cpu:      math.NaN(), memory: math.NaN(),
	})
	return i
}

// Next implements replay.Source.
func (s *Source) Next(ctx context.Context) (replay.Item, error) {
	if s.taken == len(s.queue) {
		end, row, err := s.merger.Next(ctx)
		if errors.Is(err, io.EOF) {
			s.ended = true
			return replay.Item{}, io.EOF
		}
		if err != nil {
			return replay.Item{}, err
		}
		if s.given == 0 {
			s.first = end
		}
		s.given++
		s.last = max(s.last, end)
		s.emit(decode(end, row))
	}
	s.taken++
	return s.queue[s.taken-1], nil
}

// Stats implements replay.Source.
func (s *Source) Stats() replay.Stats {
	skipped := s.skips.Counts()
	if late := s.merger.Late(); late > 0 {
		if skipped == nil {
			skipped = map[string]int64{}
		}
		skipped[files.LateRow] += late
	}
	st := replay.Stats{Rows: s.rows, Done: -1, Skipped: skipped, First: s.first}
	if s.size > 0 && s.sorted > 0 {
		st.Done = min(float64(s.opener.BytesRead())/float64(s.size), 1) * float64(s.given) / float64(s.sorted)
	}
	if s.ended {
		st.Last = s.last
	}
	return st
}

// TakeSamples implements replay.Sampler.
func (s *Source) TakeSamples() []files.Sample { return s.skips.TakeSamples() }

// Close implements replay.Source.
func (s *Source) Close() error { return errors.Join(s.merger.Close(), s.opener.Close()) }
