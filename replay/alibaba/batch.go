package alibaba

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"presage/ingest/otlp"
	"presage/replay"
	"presage/replay/extsort"
	"presage/replay/files"
)

// batchStream gives batch jobs as traces: a job is a trace, a task a span.
//
//	rows ──▶ sorted by job ──▶ task graph ──▶ sorted by end ──▶ spans
type batchStream struct {
	opts       *Options
	table      *table
	services   *names
	resources  map[name][]otlp.KeyValue
	attributes map[name][]otlp.KeyValue
	missing    int64 // dependencies on tasks that the job does not have
	packed     []byte
}

// task is one row of batch_task.
type task struct {
	job, name  string
	service    name
	number     int   // −1: none
	waits      []int // numbers of the tasks that it waits for
	start, end int64 // milliseconds
	failed     bool
}

const unfinished = "unfinished_task" // a task without start or end

func newBatchStream(opts *Options, skips *files.Skips, parts []files.Part) *batchStream {
	b := &batchStream{opts: opts, services: newNames(), resources: make(map[name][]otlp.KeyValue), attributes: make(map[name][]otlp.KeyValue)}
	b.table = newTable(opts, skips, parts, b.read)
	read := false
	b.table.merger = extsort.NewMerger(opts.TempDir, opts.Memory, func(ctx context.Context, add func(int64, []byte) error) error {
		if read {
			return io.EOF
		}
		read = true
		return b.sort(ctx, add)
	})
	return b
}

// sort brings the tasks of each job together and adds their spans by end.
func (b *batchStream) sort(ctx context.Context, add func(int64, []byte) error) (err error) {
	jobs := extsort.NewSorter(b.opts.TempDir, b.opts.Memory)
	defer func() { err = errors.Join(err, jobs.Close()) }()
	for _, p := range b.table.parts {
		if err := b.table.part(ctx, p, jobs.Add); err != nil {
			return err
		}
	}
	var tasks []task
	var key int64
	flush := func() error {
		// Jobs may share a hash: their names tell them apart.
		slices.SortStableFunc(tasks, func(x, y task) int { return compare(x.job, y.job) })
		for start := 0; start < len(tasks); {
			end := start + 1
			for end < len(tasks) && tasks[end].job == tasks[start].job {
				end++
			}
			if err := b.job(tasks[start:end], add); err != nil {
				return err
			}
			start = end
		}
		tasks = tasks[:0]
		return nil
	}
	err = jobs.Each(ctx, func(k int64, row []byte) error {
		if k != key {
			if err := flush(); err != nil {
				return err
			}
			key = k
		}
		tasks = append(tasks, b.unpackTask(row))
		return nil
	})
	return errors.Join(err, flush())
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// job adds the spans of one job's tasks. A task's parent is the task it waited for
// last: the one of its dependencies that ended last. The others are links.
func (b *batchStream) job(tasks []task, add func(int64, []byte) error) error {
	byNumber := make(map[int]*task, len(tasks))
	for i := range tasks {
		if t := &tasks[i]; t.number >= 0 && byNumber[t.number] == nil {
			byNumber[t.number] = t
		}
	}
	trace := traceID([]byte(tasks[0].job))
	for i := range tasks {
		t := &tasks[i]
		var waited []*task
		for _, number := range t.waits {
			d := byNumber[number]
			if d == nil || d == t {
				b.missing++
				continue
			}
			if !slices.Contains(waited, d) {
				waited = append(waited, d)
			}
		}
		slices.SortStableFunc(waited, func(x, y *task) int { return int(y.end - x.end) })
		b.packed = packTask(b.packed[:0], trace, t, waited)
		if err := add(t.end, b.packed); err != nil {
			return err
		}
	}
	return nil
}

func packTask(dst []byte, trace [16]byte, t *task, waited []*task) []byte {
	dst = append(dst, trace[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, hash([]byte(t.name)))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.start))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t.service))
	failed := byte(0)
	if t.failed {
		failed = 1
	}
	dst = append(dst, failed)
	dst = binary.AppendUvarint(dst, uint64(len(waited)))
	for _, d := range waited {
		dst = binary.LittleEndian.AppendUint64(dst, hash([]byte(d.name)))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(d.service))
	}
	return append(dst, t.name...)
}

// next implements stream.
func (b *batchStream) next(ctx context.Context) (replay.Item, error) {
	end, row, err := b.table.Next(ctx)
	if err != nil {
		return replay.Item{}, err
	}
	s := &replay.Span{}
	copy(s.TraceID[:], row)
	binary.BigEndian.PutUint64(s.SpanID[:], binary.LittleEndian.Uint64(row[16:]))
	s.Start, s.End = b.opts.nanos(int64(binary.LittleEndian.Uint64(row[24:]))), b.opts.nanos(end)
	s.Resource = b.resource(name(binary.LittleEndian.Uint32(row[32:])))
	s.Error = row[36] == 1
	s.Kind = spanServer
	n, size := binary.Uvarint(row[37:])
	row = row[37+size:]
	for i := range n {
		var id [8]byte
		binary.BigEndian.PutUint64(id[:], binary.LittleEndian.Uint64(row))
		if i == 0 {
			s.ParentID = id
			s.Attributes = b.peer(name(binary.LittleEndian.Uint32(row[8:])))
		} else {
			s.Links = append(s.Links, otlp.Link{TraceID: s.TraceID, SpanID: id})
		}
		row = row[12:]
	}
	s.Name = string(row)
	return replay.Item{At: s.End, Span: s}, nil
}

func (b *batchStream) resource(service name) []otlp.KeyValue {
	r, ok := b.resources[service]
	if !ok {
		r = []otlp.KeyValue{otlp.String("service.name", b.services.text(service))}
		b.resources[service] = r
	}
	return r
}

// peer names the service of the parent: it is no calling span, so the edge comes
// from the name.
func (b *batchStream) peer(service name) []otlp.KeyValue {
	a, ok := b.attributes[service]
	if !ok {
		a = []otlp.KeyValue{otlp.String("service.peer.name", b.services.text(service))}
		b.attributes[service] = a
	}
	return a
}

func (b *batchStream) tables() []*table { return []*table{b.table} }

func (b *batchStream) count(skipped map[string]int64) {
	skipped["missing_dependency"] += b.missing
	skipped["name_cap"] += b.services.cut
}

func (b *batchStream) span(ctx context.Context) (first, last int64, err error) {
	return b.table.ends(ctx, func(_ int64, row []byte) int64 { return b.opts.nanos(b.unpackTask(row).end) })
}
