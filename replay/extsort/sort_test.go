package extsort

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type testRow struct {
	key int64
	id  uint32
	pad int
}

func (r testRow) bytes() []byte {
	b := make([]byte, 4+r.pad)
	binary.LittleEndian.PutUint32(b, r.id)
	return b
}

func drawRows(t *rapid.T, label string, lo, hi int64, id *uint32) []testRow {
	keys := rapid.SliceOfN(rapid.Int64Range(lo, hi), 0, 3000).Draw(t, label)
	rows := make([]testRow, len(keys))
	for i, k := range keys {
		rows[i] = testRow{k, *id, int(k&63) * 4}
		*id++
	}
	return rows
}

func TestSorterSortsStably(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var id uint32
		rows := drawRows(t, "keys", -50, 1000, &id)
		s := NewSorter(dir, 64<<10)
		for _, r := range rows {
			if err := s.Add(r.key, r.bytes()); err != nil {
				t.Fatal(err)
			}
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b testRow) int { return int(a.key - b.key) })
		i := 0
		err := s.Each(context.Background(), func(key int64, row []byte) error {
			if w := want[i]; key != w.key || !slices.Equal(row, w.bytes()) {
				return fmt.Errorf("row %d: key %d id %d, want key %d id %d", i, key, binary.LittleEndian.Uint32(row), w.key, w.id)
			}
			i++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if i != len(want) {
			t.Fatalf("%d rows, want %d", i, len(want))
		}
	})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files left behind", len(left))
	}
}

func TestSorterMergesRunsOnDisk(t *testing.T) {
	s := NewSorter(t.TempDir(), 0) // 64 KiB: the least there is
	defer s.Close()
	const n = 400_000
	for i := range int64(n) {
		if err := s.Add((i*7919)%n, []byte("0123456789abcdef")); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.levels) < 2 {
		t.Fatalf("%d levels: the test means to merge runs of runs", len(s.levels))
	}
	next := int64(0)
	err := s.Each(context.Background(), func(key int64, _ []byte) error {
		if key != next {
			return fmt.Errorf("key %d, want %d", key, next)
		}
		next++
		return nil
	})
	if err != nil || next != n {
		t.Fatalf("%d rows, want %d: %v", next, n, err)
	}
}

// Files whose lowest keys rise come out sorted, however far they overlap.
func TestMergerMergesOverlappingFiles(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var id uint32
		files := make([][]testRow, rapid.IntRange(0, 5).Draw(t, "files"))
		var all []testRow
		floor := int64(0)
		for i := range files {
			files[i] = drawRows(t, "keys", floor, floor+500, &id)
			all = append(all, files[i]...)
			if len(files[i]) > 0 {
				floor = slices.MinFunc(files[i], func(a, b testRow) int { return int(a.key - b.key) }).key
			}
			floor += rapid.Int64Range(0, 300).Draw(t, "step")
		}
		m := NewMerger(dir, 64<<10, loadOf(files))
		got := drain(t, m)
		slices.SortStableFunc(all, func(a, b testRow) int { return int(a.key - b.key) })
		if len(got) != len(all) {
			t.Fatalf("%d rows, want %d", len(got), len(all))
		}
		for i, w := range all {
			if got[i].key != w.key || got[i].id != w.id {
				t.Fatalf("row %d is %v, want %v", i, got[i], w)
			}
		}
		if m.Late() != 0 {
			t.Fatalf("%d late rows", m.Late())
		}
	})
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%d files left behind", len(left))
	}
}

func TestMergerCountsLateRows(t *testing.T) {
	m := NewMerger(t.TempDir(), 1<<20, loadOf([][]testRow{
		{{key: 10, id: 1}, {key: 30, id: 2}},
		{{key: 20, id: 3}, {key: 40, id: 4}},
		{{key: 5, id: 5}, {key: 50, id: 6}}, // 10 is out by the time that this file is read
	}))
	got := drain(t, m)
	keys := make([]int64, len(got))
	for i, r := range got {
		keys[i] = r.key
	}
	if want := []int64{10, 5, 20, 30, 40, 50}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if m.Late() != 1 {
		t.Errorf("%d late rows, want 1", m.Late())
	}
}

func TestMergerPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken file")
	m := NewMerger(t.TempDir(), 0, func(_ context.Context, add func(int64, []byte) error) error {
		for i := range int64(10_000) {
			if err := add(i, []byte("row")); err != nil {
				return err
			}
		}
		return broken
	})
	if _, _, err := m.Next(context.Background()); !errors.Is(err, broken) {
		t.Errorf("got %v, want the load's error", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func loadOf(files [][]testRow) Load {
	next := 0
	return func(_ context.Context, add func(int64, []byte) error) error {
		if next == len(files) {
			return io.EOF
		}
		next++
		for _, r := range files[next-1] {
			if err := add(r.key, r.bytes()); err != nil {
				return err
			}
		}
		return nil
	}
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func drain(t fataler, m *Merger) []testRow {
	t.Helper()
	var got []testRow
	for {
		key, row, err := m.Next(context.Background())
		if errors.Is(err, io.EOF) {
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, testRow{key, binary.LittleEndian.Uint32(row), len(row) - 4})
	}
}
