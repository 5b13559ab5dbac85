package slice

import (
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestHistoryAgainstMap compares random appends, reads, prunings and reopenings with a
// map. Slices are six hours apart, so that days have up to four.
func TestHistoryAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "history")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		const width = 6 * 3600e9
		at := func(index int64, revision int) *Snapshot {
			s := snapshotAt(index, revision)
			s.Width = width
			return s
		}
		h, err := OpenHistory(dir, "shop")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { h.Close() }()
		have := map[[2]int64]bool{}
		index := rapid.Int64Range(-10, 10)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				key := [2]int64{index.Draw(t, "index"), rapid.Int64Range(1, 3).Draw(t, "revision")}
				added, err := h.Append(at(key[0], int(key[1])))
				if err != nil || added == have[key] {
					t.Fatalf("append %v: %t, %v; it was there: %t", key, added, err, have[key])
				}
				have[key] = true
			},
			"reopen": func(t *rapid.T) {
				if err := h.Close(); err != nil {
					t.Fatal(err)
				}
				if h, err = OpenHistory(dir, "shop"); err != nil {
					t.Fatal(err)
				}
			},
			"prune": func(t *rapid.T) {
				before := index.Draw(t, "before")
				if err := h.Prune(before); err != nil {
					t.Fatal(err)
				}
				firstKept := int64(math.Floor(float64(before)/4)) * 4 // of the day that before is in
				maps.DeleteFunc(have, func(k [2]int64, _ bool) bool {
					return k[0] < before && (k[0] < firstKept || !slices.ContainsFunc(slices.Collect(maps.Keys(have)), func(o [2]int64) bool {
						return o[0] >= before && o[0] < firstKept+4
					}))
				})
			},
			"": func(t *rapid.T) {
				from, to := index.Draw(t, "from"), index.Draw(t, "to")
				latest := map[int64]int64{}
				for k := range have {
					if k[0] >= from && k[0] < to {
						latest[k[0]] = max(latest[k[0]], k[1])
					}
				}
				want := slices.Sorted(maps.Keys(latest))
				i := 0
				for s, err := range h.Slices(from, to) {
					if err != nil {
						t.Fatal(err)
					}
					if i >= len(want) || !s.Equal(at(want[i], int(latest[want[i]]))) {
						t.Fatalf("slice %d, revision %d comes as number %d of %v", s.Index, s.Revision, i, want)
					}
					i++
				}
				if i != len(want) {
					t.Fatalf("%d slices came, expected %v", i, want)
				}
			},
		})
	})
}

// TestHistoryWhileAppending reads in one goroutine what another appends.
func TestHistoryWhileAppending(t *testing.T) {
	h := mustOpen(t, t.TempDir())
	var wg sync.WaitGroup
	wg.Go(func() {
		for k := range int64(200) {
			if _, err := h.Append(snapshotAt(k*100, 1)); err != nil {
				t.Error(err)
			}
			if err := h.AppendForecasts([]ForecastRow{{SliceStartMs: k * 60_000 * 100, Service: "cart", Step: 1}}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for seen := 0; seen < 200; {
			n := 0
			for s, err := range h.Slices(math.MinInt64, math.MaxInt64) {
				if err != nil || s.Index != int64(n)*100 {
					t.Errorf("slice number %d: %v", n, err)
					return
				}
				n++
			}
			for _, err := range h.Forecasts() {
				if err != nil {
					t.Error(err)
					return
				}
			}
			if n < seen {
				t.Errorf("%d slices, then %d", seen, n)
			}
			seen = n
		}
	})
	wg.Wait()
}

// TestHistoryFailedWrite takes back what could not be written.
func TestHistoryFailedWrite(t *testing.T) {
	h := mustOpen(t, t.TempDir())
	mustAppend(t, h, snapshotAt(1, 1))
	file := h.slices.tail
	readOnly, err := os.Open(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	h.slices.tail = readOnly
	if added, err := h.Append(snapshotAt(2, 1)); added || err == nil {
		t.Errorf("added: %t, %v", added, err)
	}
	readOnly.Close()
	h.slices.tail = file
	mustAppend(t, h, snapshotAt(2, 1))
	if got := contents(t, h, 0, 10); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
