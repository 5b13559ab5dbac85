package slice

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

const day = 24 * 60 // slices of the sample's width in a day

func snapshotAt(index int64, revision int) *Snapshot {
	s := sampleSnapshot()
	s.Index, s.Segment, s.Revision = index, index-1, revision
	s.Nodes.Mean.Value[0] = float64(index) + float64(revision)/10
	return s
}

func mustOpen(t testing.TB, dir string) *History {
	t.Helper()
	h, err := OpenHistory(dir, "shop")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func mustAppend(t testing.TB, h *History, s *Snapshot) {
	t.Helper()
	if added, err := h.Append(s); !added || err != nil {
		t.Fatalf("append slice %d: %t, %v", s.Index, added, err)
	}
}

// contents lists index and revision of what a range gives.
func contents(t testing.TB, h *History, from, to int64) (got [][2]int64) {
	t.Helper()
	for s, err := range h.Slices(from, to) {
		if err != nil {
			t.Fatal(err)
		}
		if !s.Equal(snapshotAt(s.Index, s.Revision)) {
			t.Fatalf("slice %d, revision %d, is not what was appended", s.Index, s.Revision)
		}
		got = append(got, [2]int64{s.Index, int64(s.Revision)})
	}
	return got
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	if _, ok := h.Last(); ok || h.Len() != 0 {
		t.Error("an empty history is not empty")
	}
	first := int64(20_000 * day)
	for _, k := range []int64{0, 1, 2, day - 1, day, day + 1, 3 * day} {
		mustAppend(t, h, snapshotAt(first+k, 1))
	}
	mustAppend(t, h, snapshotAt(first+1, 2)) // late, in a file before
	if added, err := h.Append(snapshotAt(first+1, 2)); added || err != nil {
		t.Errorf("appended twice: %t, %v", added, err)
	}
	want := [][2]int64{{first, 1}, {first + 1, 2}, {first + 2, 1}, {first + day - 1, 1}, {first + day, 1}, {first + day + 1, 1}, {first + 3*day, 1}}
	check := func(h *History) {
		t.Helper()
		if got := contents(t, h, math.MinInt64, math.MaxInt64); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		if got := contents(t, h, first+1, first+day); !slices.Equal(got, want[1:4]) {
			t.Errorf("got %v, want %v", got, want[1:4])
		}
		if last, ok := h.Last(); !ok || last != first+3*day || h.Len() != len(want) {
			t.Errorf("last is %d, %t; %d slices", last, ok, h.Len())
		}
		tail, err := h.Tail(2)
		if err != nil || len(tail) != 2 || tail[0].Index != first+day+1 || tail[1].Index != first+3*day {
			t.Errorf("tail: %v, %v", tail, err)
		}
		one, err := h.Revision(first+1, 1)
		if err != nil || !one.Equal(snapshotAt(first+1, 1)) {
			t.Errorf("revision 1: %v, %v", one, err)
		}
		if none, err := h.Revision(first+1, 3); none != nil || err != nil || h.Has(first+1, 3) || !h.Has(first+1, 2) {
			t.Errorf("revision 3: %v, %v", none, err)
		}
		if fingerprint, width, ok := h.Settings(); fingerprint != sampleSnapshot().Fingerprint || width != 60e9 || !ok {
			t.Errorf("settings: %x, %d, %t", fingerprint, width, ok)
		}
	}
	check(h)
	reader, err := ReadHistory(dir, "shop") // while the other writes
	if err != nil {
		t.Fatal(err)
	}
	check(reader)
	if _, err := reader.Append(snapshotAt(first+9, 1)); err == nil {
		t.Error("appended to a history that was opened to be read")
	}
	if err := errors.Join(h.Sync(), h.Close()); err != nil {
		t.Fatal(err)
	}
	h = mustOpen(t, dir)
	check(h)

	if err := h.Prune(first + day + 1); err != nil {
		t.Fatal(err)
	}
	want = want[4:] // the day of which something is still wanted stays
	if got := contents(t, h, math.MinInt64, math.MaxInt64); !slices.Equal(got, want) {
		t.Errorf("after pruning: got %v, want %v", got, want)
	}
	h.Close()
	if got := contents(t, mustOpen(t, dir), math.MinInt64, math.MaxInt64); !slices.Equal(got, want) {
		t.Errorf("after pruning and opening: got %v, want %v", got, want)
	}
}

func TestHistoryRefuses(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	mustAppend(t, h, snapshotAt(100, 1))
	for name, change := range map[string]func(*Snapshot){
		"fingerprint": func(s *Snapshot) { s.Fingerprint++ },
		"width":       func(s *Snapshot) { s.Width++ },
	} {
		s := snapshotAt(101, 1)
		change(s)
		if added, err := h.Append(s); added || !errors.Is(err, ErrMismatch) {
			t.Errorf("another %s: %t, %v", name, added, err)
		}
	}
	other := snapshotAt(101, 1)
	other.Graph = "bank"
	if added, err := h.Append(other); added || err == nil {
		t.Error("another graph was appended")
	}
	bad := snapshotAt(101, 1)
	bad.Nodes.CPU.Value[0] = math.NaN()
	if added, err := h.Append(bad); added || err == nil {
		t.Error("a malformed snapshot was appended")
	}
	if got := contents(t, h, 0, 1000); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	if _, err := ReadHistory(dir, "bank"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a history that is not there: %v", err)
	}
	h.Close()
	if err := os.WriteFile(h.slices.path("1999-01-01"), []byte("something else, long enough"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenHistory(dir, "shop"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a file of something else: %v", err)
	}
}

func TestHistoryGraphs(t *testing.T) {
	dir := t.TempDir()
	names := []string{"..", "../x", "a b/ü", "shop", "%2E"}
	if got, err := HistoryGraphs(dir); len(got) != 0 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, name := range names {
		h, err := OpenHistory(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		s := snapshotAt(5, 1)
		s.Graph = name
		mustAppend(t, h, s)
		h.Close()
	}
	slices.Sort(names)
	if got, err := HistoryGraphs(dir); err != nil || !slices.Equal(got, names) {
		t.Errorf("got %v, %v, want %v", got, err, names)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the state folder holds %v", entries)
	}
	if _, err := OpenHistory(dir, ""); err == nil {
		t.Error("a graph without a name was opened")
	}
}

// TestHistoryTorn cuts and damages the end of a file at random: what is whole
// before stays, and appending goes on.
func TestHistoryTorn(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	ends := []int64{segmentHeaderSize}
	for k := range int64(4) {
		mustAppend(t, h, snapshotAt(k, 1))
		ends = append(ends, h.slices.tailSize)
	}
	path := h.slices.path(h.slices.tailDay)
	h.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		torn := slices.Clone(whole)
		damaged := rapid.Int64Range(0, int64(len(whole))).Draw(rt, "damaged from")
		switch rapid.SampledFrom([]string{"cut", "zeros", "changed"}).Draw(rt, "how") {
		case "cut":
			torn = torn[:damaged]
		case "zeros": // the file was made longer, its content never came
			clear(torn[damaged:])
			torn = append(torn, make([]byte, 100)...)
		case "changed":
			damaged = max(damaged, segmentHeaderSize)
			if damaged < int64(len(torn)) {
				torn[damaged] ^= 1
			}
		}
		good := 0
		for good+1 < len(ends) && ends[good+1] <= damaged {
			good++
		}
		if err := os.WriteFile(path, torn, 0o644); err != nil {
			rt.Fatal(err)
		}
		h, err := OpenHistory(dir, "shop")
		if damaged > 0 && damaged < segmentHeaderSize && len(torn) >= segmentHeaderSize {
			// Half a header that was written in one go is not what a crash leaves.
			return
		}
		if err != nil {
			rt.Fatal(err)
		}
		defer h.Close()
		if h.Len() != good {
			rt.Fatalf("%d slices are left, expected %d", h.Len(), good)
		}
		for k := range int64(4) {
			if added, err := h.Append(snapshotAt(k, 1)); err != nil || added != (int(k) >= good) {
				rt.Fatalf("append slice %d of which %d are there: %t, %v", k, good, added, err)
			}
		}
		if got := contents(t, h, 0, 10); len(got) != 4 {
			rt.Fatalf("got %v", got)
		}
		h.Close()
		if mended, err := os.ReadFile(path); err != nil || !slices.Equal(mended, whole) {
			rt.Fatalf("the file differs from what it was: %v", err)
		}
	})
}

func TestHistoryCorruptOnRead(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	mustAppend(t, h, snapshotAt(0, 1))
	path := h.slices.path(h.slices.tailDay)
	mustAppend(t, h, snapshotAt(2*day, 1))
	h.Close()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	h = mustOpen(t, dir)
	for _, err := range h.Slices(0, 10) {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("a damaged file of a day before: %v", err)
		}
	}
}

// TestHistoryChunks appends a snapshot of several chunks and tears the last off.
func TestHistoryChunks(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	large := largeSnapshot(6000)
	mustAppend(t, h, large)
	path := h.slices.path(h.slices.tailDay)
	h.Close()
	h = mustOpen(t, dir)
	if tail, err := h.Tail(1); err != nil || len(tail) != 1 || !tail[0].Equal(large) {
		t.Errorf("%d snapshots, %v", len(tail), err)
	}
	h.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-10); err != nil {
		t.Fatal(err)
	}
	if h = mustOpen(t, dir); h.Len() != 0 {
		t.Error("a snapshot without its last chunk is there")
	}
}

func TestForecasts(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	var want []ForecastRow
	for k := range int64(3) {
		start := 1_700_000_000_000 + k*60_000
		var rows []ForecastRow
		for _, service := range []string{"cart", "checkout"} {
			for step := 1; step <= 2; step++ {
				rows = append(rows, ForecastRow{start, service, "response_time", "stgnn-1", step, start + int64(step)*60_000, float64(step), 0.5, 9, float64(k)})
			}
		}
		want = append(want, rows...)
		again := slices.Clone(rows)
		for i := range again {
			again[i].Yhat = -1 // written a second time after a restart
		}
		if err := errors.Join(h.AppendForecasts(rows), h.AppendForecasts(again)); err != nil {
			t.Fatal(err)
		}
	}
	missing := ForecastRow{SliceStartMs: 1_800_000_000_000, Service: "cart", Step: 1, Observed: math.NaN()}
	if err := h.AppendForecasts([]ForecastRow{missing}); err != nil {
		t.Fatal(err)
	}
	h.Close()
	h = mustOpen(t, dir)
	var got []ForecastRow
	for rows, err := range h.Forecasts() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rows...)
	}
	if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) || !math.IsNaN(got[len(want)].Observed) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestHistoryGolden(t *testing.T) {
	dir := t.TempDir()
	h := mustOpen(t, dir)
	mustAppend(t, h, sampleSnapshot())
	if err := h.AppendForecasts([]ForecastRow{{1_740_000_000_000, "cart", "response_time", "persistence", 1, 1_740_000_060_000, 12.5, 10, 20, 12}}); err != nil {
		t.Fatal(err)
	}
	h.Close()
	for kind, l := range map[string]*dayLog{"slices": h.slices, "forecasts": h.forecasts} {
		data, err := os.ReadFile(l.path(l.tailDay))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "history-v1-"+kind+".golden", data)
		// The file kept from the first version on must stay readable.
		kept, err := os.ReadFile(filepath.Join("testdata", "history-v1-"+kind+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(l.path(l.tailDay), kept, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h = mustOpen(t, dir)
	if tail, err := h.Tail(1); err != nil || len(tail) != 1 || !tail[0].Equal(sampleSnapshot()) {
		t.Errorf("%v, %v", tail, err)
	}
	for rows, err := range h.Forecasts() {
		if err != nil || len(rows) != 1 || rows[0].Yhat != 12.5 {
			t.Errorf("%v, %v", rows, err)
		}
	}
}

func FuzzSegment(f *testing.F) {
	for _, name := range []string{"history-v1-slices.golden", "history-v1-forecasts.golden"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		folder := graphFolder(dir, "shop")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []segmentKind{sliceSegment, forecastSegment} {
			if err := os.WriteFile(filepath.Join(folder, kind.name()+"-2020-01-06"+segmentEnding), data, 0o644); err != nil {
				t.Fatal(err)
			}
			if h, err := OpenHistory(dir, "shop"); err == nil {
				for _, err := range h.Slices(math.MinInt64, math.MaxInt64) {
					_ = err
				}
				for _, err := range h.Forecasts() {
					_ = err
				}
				h.Close()
			}
			os.Remove(filepath.Join(folder, kind.name()+"-2020-01-06"+segmentEnding))
		}
	})
}
