package slice

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ErrMismatch says that slices of other settings are in the history already.
var ErrMismatch = errors.New("history of other settings")

// A dayLog is an append-only store of frames by index and revision, in a file for
// each UTC day of event time. It keeps where each is in memory, about 50 bytes a
// slice.
type dayLog struct {
	dir      string
	header   segmentHeader // of the files; fingerprint and width are known where known is set
	known    bool
	readOnly bool
	entries  []logEntry // by index, revision and then age

	tail     *os.File // the file last written to
	tailDay  string
	tailSize int64
}

// A logEntry says where all chunks of one index and revision are.
type logEntry struct {
	index        int64
	revision     uint32
	day          string
	offset, size int64
}

func compareEntries(a, b logEntry) int {
	return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.revision, b.revision))
}

const (
	dayLayout     = "2006-01-02"
	segmentEnding = ".segment"
)

// openDayLog finds what is in the files. It cuts off what a crash left half
// written, unless the log is only read.
func openDayLog(dir string, kind segmentKind, readOnly bool) (*dayLog, error) {
	l := &dayLog{dir: dir, header: segmentHeader{kind: kind}, readOnly: readOnly}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	var days []string
	for _, f := range files {
		day, ok := strings.CutPrefix(f.Name(), kind.name()+"-")
		if day, isSegment := strings.CutSuffix(day, segmentEnding); ok && isSegment {
			if _, err := time.Parse(dayLayout, day); err == nil {
				days = append(days, day)
			}
		}
	}
	for i, day := range days { // os.ReadDir sorts
		// Only what was written last can be torn: the days before are walked
		// without reading their contents, which are checked when they are read.
		if err := l.scan(day, i == len(days)-1); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(l.entries, compareEntries)
	return l, nil
}

func (l *dayLog) path(day string) string {
	return filepath.Join(l.dir, l.header.kind.name()+"-"+day+segmentEnding)
}

func (l *dayLog) scan(day string, verify bool) error {
	path := l.path(day)
	mode := os.O_RDWR
	if l.readOnly {
		mode = os.O_RDONLY
	}
	file, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing is written but a shorter length
	h, err := readSegmentHeader(file, l.header.kind)
	if errors.Is(err, errNoHeader) {
		// A crash before the header was whole. The next append writes it anew.
		if l.readOnly {
			return nil
		}
		return file.Truncate(0)
	}
	if err != nil {
		return fmt.Errorf("open history: %s: %w; delete the file, it is a cache", path, err)
	}
	if err := l.agree(h); err != nil {
		return fmt.Errorf("open history: %s: %w", path, err)
	}
	good, err := scanSegment(file, verify, func(g frame) {
		l.entries = append(l.entries, logEntry{g.index, g.revision, day, g.offset, g.size})
	})
	if err != nil || l.readOnly {
		return err
	}
	if err := file.Truncate(good); err != nil {
		return fmt.Errorf("open history: cut off what a crash left in %s: %w", path, err)
	}
	return nil
}

// agree takes the settings of the first segment met, and refuses others.
func (l *dayLog) agree(h segmentHeader) error {
	if !l.known {
		l.header, l.known = h, true
		return nil
	}
	if l.header != h {
		return fmt.Errorf("%w: fingerprint %016x and slices of %d ns, expected %016x and %d ns; use another state folder, or delete %s: it is a cache",
			ErrMismatch, h.fingerprint, h.width, l.header.fingerprint, l.header.width, l.dir)
	}
	return nil
}

// find gives the place of an index and revision among the entries.
func (l *dayLog) find(index int64, revision uint32) (int, bool) {
	return slices.BinarySearchFunc(l.entries, logEntry{index: index, revision: revision}, compareEntries)
}

// append writes all chunks of one index and revision in one go. A write that fails
// is taken back.
func (l *dayLog) append(h segmentHeader, startNs, index int64, revision uint32, payloads [][]byte) error {
	if l.readOnly {
		return errors.New("append to a history that was opened to be read")
	}
	if err := l.agree(h); err != nil {
		return err
	}
	day := time.Unix(0, startNs).UTC().Format(dayLayout)
	if err := l.turnTo(day); err != nil {
		return err
	}
	var b []byte
	for i, p := range payloads {
		b = appendFrame(b, frame{index: index, revision: revision, chunk: uint32(i), chunks: uint32(len(payloads))}, p)
	}
	if _, err := l.tail.WriteAt(b, l.tailSize); err != nil {
		return errors.Join(fmt.Errorf("append to history: %w", err), l.tail.Truncate(l.tailSize))
	}
	e := logEntry{index, revision, day, l.tailSize, int64(len(b))}
	l.tailSize += int64(len(b))
	at, _ := slices.BinarySearchFunc(l.entries, e, func(a, b logEntry) int {
		if c := compareEntries(a, b); c != 0 {
			return c
		}
		return -1 // behind those of the same key
	})
	l.entries = slices.Insert(l.entries, at, e)
	return nil
}

// turnTo opens a day's file for writing, and makes it if need be.
func (l *dayLog) turnTo(day string) error {
	if l.tail != nil && l.tailDay == day {
		return nil
	}
	if err := l.close(); err != nil {
		return err
	}
	file, err := os.OpenFile(l.path(day), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("append to history: %w", err)
	}
	info, err := file.Stat()
	if err == nil && info.Size() < segmentHeaderSize {
		_, err = file.WriteAt(l.header.bytes(), 0)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("append to history: %w", err), file.Close())
	}
	l.tail, l.tailDay, l.tailSize = file, day, max(info.Size(), segmentHeaderSize)
	return nil
}

// close makes what was written durable and closes the file.
func (l *dayLog) close() error {
	if l.tail == nil {
		return nil
	}
	err := errors.Join(l.tail.Sync(), l.tail.Close())
	l.tail = nil
	if err != nil {
		return fmt.Errorf("close history: %w", err)
	}
	return nil
}

// prune deletes the files of days of which every entry is before index.
func (l *dayLog) prune(before int64) error {
	keep := map[string]bool{}
	for _, e := range l.entries {
		if e.index >= before {
			keep[e.day] = true
		}
	}
	gone := map[string]bool{}
	for _, e := range l.entries {
		if keep[e.day] || gone[e.day] {
			continue
		}
		if e.day == l.tailDay {
			if err := l.close(); err != nil {
				return err
			}
		}
		if err := os.Remove(l.path(e.day)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("prune history: %w", err)
		}
		gone[e.day] = true
	}
	l.entries = slices.DeleteFunc(l.entries, func(e logEntry) bool { return gone[e.day] })
	return nil
}

// A logReader reads entries and keeps the last file open.
type logReader struct {
	log  *dayLog
	file *os.File
	day  string
}

func (r *logReader) close() {
	if r.file != nil {
		_ = r.file.Close() // it was only read
	}
}

// read gives the payloads of all chunks of an entry.
func (r *logReader) read(e logEntry) ([][]byte, error) {
	if r.file == nil || r.day != e.day {
		r.close()
		var err error
		if r.file, err = os.Open(r.log.path(e.day)); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		r.day = e.day
	}
	var payloads [][]byte
	for at := e.offset; at < e.offset+e.size; {
		f, payload, err := readFrame(r.file, at, e.offset+e.size, true)
		if err != nil {
			return nil, fmt.Errorf("read history: %s: %w; delete the file, it is a cache", r.file.Name(), err)
		}
		payloads = append(payloads, payload)
		at += f.size
	}
	return payloads, nil
}
