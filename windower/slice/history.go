package slice

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A History is the slices and forecasts of one graph on disk: a cache of
// presage.slices, from which it can be rebuilt at any time. Slices of every revision
// are kept; what reads a range gets the latest of each. One History writes, any
// number may read. It is safe for use by several goroutines.
type History struct {
	mu        sync.Mutex
	graph     string
	slices    *dayLog
	forecasts *dayLog
}

const historyFolder = "history"

// OpenHistory opens the history of a graph under the state folder dir, which it
// makes if need be, and cuts off what a crash left half written. The caller must Close
// it.
func OpenHistory(dir, graph string) (*History, error) {
	if err := os.MkdirAll(graphFolder(dir, graph), 0o755); err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	return openHistory(dir, graph, false)
}

// ReadHistory opens the history of a graph to read it, also while another process
// writes it. The caller must Close it. Errors are marked with fs.ErrNotExist where
// there is none.
func ReadHistory(dir, graph string) (*History, error) { return openHistory(dir, graph, true) }

func openHistory(dir, graph string, readOnly bool) (*History, error) {
	if graph == "" {
		return nil, errors.New("open history: the graph has no name")
	}
	folder := graphFolder(dir, graph)
	h := &History{graph: graph}
	var err error
	if h.slices, err = openDayLog(folder, sliceSegment, readOnly); err != nil {
		return nil, err
	}
	if h.forecasts, err = openDayLog(folder, forecastSegment, readOnly); err != nil {
		return nil, err
	}
	return h, nil
}

// graphFolder keeps names such as ".." and "a/b" inside the state folder.
func graphFolder(dir, graph string) string {
	name := url.PathEscape(graph)
	if name == "." || name == ".." {
		name = strings.ReplaceAll(name, ".", "%2E") // which PathEscape writes for no other name
	}
	return filepath.Join(dir, historyFolder, name)
}

// HistoryGraphs lists the graphs that have a history under a state folder.
func HistoryGraphs(dir string) ([]string, error) {
	folders, err := os.ReadDir(filepath.Join(dir, historyFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list histories: %w", err)
	}
	var graphs []string
	for _, f := range folders {
		name, err := url.PathUnescape(f.Name())
		if f.IsDir() && err == nil {
			graphs = append(graphs, name)
		}
	}
	slices.Sort(graphs)
	return graphs, nil
}

// Graph is the graph's name.
func (h *History) Graph() string { return h.graph }

// Append writes a snapshot, unless its index and revision are there already: the
// first is kept. It refuses a snapshot of other settings with ErrMismatch. What was
// appended is safe from a crash of the process at once, from one of the machine after
// Sync.
func (h *History) Append(s *Snapshot) (added bool, err error) {
	if s.Graph != h.graph {
		return false, fmt.Errorf("append to history: slice %d is of graph %q, expected %q", s.Index, s.Graph, h.graph)
	}
	if s.Revision < 1 || s.Revision > math.MaxInt32 {
		return false, fmt.Errorf("append to history: slice %d has revision %d", s.Index, s.Revision)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, found := h.slices.find(s.Index, uint32(s.Revision)); found {
		return false, nil
	}
	chunks, err := EncodeSnapshot(s, 0)
	if err != nil {
		return false, err
	}
	header := segmentHeader{kind: sliceSegment, fingerprint: s.Fingerprint, width: s.Width}
	if err := h.slices.append(header, s.Start(), s.Index, uint32(s.Revision), chunks); err != nil {
		return false, fmt.Errorf("slice %d of graph %q: %w", s.Index, s.Graph, err)
	}
	return true, nil
}

// Settings gives the fingerprint and the slice width of what is in the history; ok
// is false where nothing is.
func (h *History) Settings() (fingerprint uint64, width int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.slices.header.fingerprint, h.slices.header.width, h.slices.known
}

// Last gives the highest slice index.
func (h *History) Last() (index int64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.slices.entries); n > 0 {
		return h.slices.entries[n-1].index, true
	}
	return 0, false
}

// Len is how many slices there are, not counting revisions.
func (h *History) Len() int { return len(h.latest(math.MinInt64, math.MaxInt64)) }

// Has tells whether a slice is there in a revision.
func (h *History) Has(index int64, revision int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, found := h.slices.find(index, uint32(revision))
	return found
}

// latest gives the entries of from up to, not including, to, each slice once.
func (h *History) latest(from, to int64) []logEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	first, _ := h.slices.find(from, 0)
	end, _ := h.slices.find(to, 0)
	var latest []logEntry
	for _, e := range h.slices.entries[first:max(first, end)] {
		if n := len(latest); n > 0 && latest[n-1].index == e.index {
			latest[n-1] = e
		} else {
			latest = append(latest, e)
		}
	}
	return latest
}

// Slices gives the latest revision of each slice with an index of from up to, not
// including, to, in order. After an error it gives no more.
func (h *History) Slices(from, to int64) iter.Seq2[*Snapshot, error] {
	return func(yield func(*Snapshot, error) bool) {
		if err := h.read(h.latest(from, to), func(s *Snapshot) bool { return yield(s, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

// Tail gives the latest revision of the last n slices, in order.
func (h *History) Tail(n int) ([]*Snapshot, error) {
	entries := h.latest(math.MinInt64, math.MaxInt64)
	entries = entries[max(0, len(entries)-n):]
	tail := make([]*Snapshot, 0, len(entries))
	err := h.read(entries, func(s *Snapshot) bool {
		tail = append(tail, s)
		return true
	})
	return tail, err
}

// Revision gives one slice in one revision; it is nil where that is not there.
func (h *History) Revision(index int64, revision int) (*Snapshot, error) {
	h.mu.Lock()
	at, found := h.slices.find(index, uint32(revision))
	var entry []logEntry
	if found {
		entry = []logEntry{h.slices.entries[at]}
	}
	h.mu.Unlock()
	var one *Snapshot
	err := h.read(entry, func(s *Snapshot) bool { one = s; return true })
	return one, err
}

func (h *History) read(entries []logEntry, each func(*Snapshot) bool) error {
	decoder, err := NewSnapshotReader()
	if err != nil {
		return err
	}
	defer decoder.Close()
	files := logReader{log: h.slices}
	defer files.close()
	for _, e := range entries {
		chunks, err := files.read(e)
		if err != nil {
			return err
		}
		var s *Snapshot
		for _, data := range chunks {
			if s, err = decoder.Add(data); err != nil {
				return fmt.Errorf("read history: slice %d in %s: %w", e.index, files.file.Name(), err)
			}
		}
		if s == nil || s.Index != e.index {
			return fmt.Errorf("read history: slice %d in %s: %w", e.index, files.file.Name(), ErrUnfinished)
		}
		if !each(s) {
			return nil
		}
	}
	return nil
}

// Prune deletes the days that lie wholly before a slice.
func (h *History) Prune(before int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.slices.prune(before); err != nil || !h.slices.known {
		return err
	}
	return h.forecasts.prune(before * (h.slices.header.width / 1e6))
}

// Sync makes what was appended safe from a crash of the machine.
func (h *History) Sync() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range []*dayLog{h.slices, h.forecasts} {
		if l.tail != nil {
			if err := l.tail.Sync(); err != nil {
				return fmt.Errorf("sync history: %w", err)
			}
		}
	}
	return nil
}

// Close makes what was appended durable and closes the files.
func (h *History) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return errors.Join(h.slices.close(), h.forecasts.close())
}
