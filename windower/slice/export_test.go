package slice

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"go.uber.org/goleak"
)

// exportedHistory has two slices, the second in two revisions, and a forecast.
func exportedHistory(t *testing.T) *History {
	t.Helper()
	h := mustOpen(t, t.TempDir())
	for _, s := range []*Snapshot{snapshotAt(28_000_000, 1), snapshotAt(28_000_001, 1), snapshotAt(28_000_001, 2)} {
		mustAppend(t, h, s)
	}
	if err := h.AppendForecasts([]ForecastRow{
		{1_680_000_000_000, "cart", "response_time", "persistence", 1, 1_680_000_060_000, 12.5, 10, 20.25, 12},
		{1_680_000_000_000, "new, \"quoted\"", "response_time", "persistence", 1, 1_680_000_060_000, 0.1, 1e-7, 1e21, math.NaN()},
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestExportCSV(t *testing.T) {
	h := exportedHistory(t)
	for table, want := range map[string]int64{"nodes": 6, "edges": 4, "forecasts": 2} {
		path := filepath.Join(t.TempDir(), table+".csv")
		rows, err := Export(context.Background(), h, table, path)
		if err != nil || rows != want {
			t.Errorf("%s: %d rows, %v", table, rows, err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "export-"+table+".csv", data)
	}
}

// asCSV writes records as the CSV export does.
func asCSV(t *testing.T, schema *arrow.Schema, records []arrow.Record) string {
	t.Helper()
	var b strings.Builder
	w, err := newCSVWriter(&b, schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestExportFormats reads Parquet and Arrow back: they hold what the CSV holds.
func TestExportFormats(t *testing.T) {
	defer goleak.VerifyNone(t) // the Arrow writer's compressor starts some
	h := exportedHistory(t)
	for _, table := range []string{"nodes", "edges", "forecasts"} {
		want, err := os.ReadFile(filepath.Join("testdata", "export-"+table+".csv"))
		if err != nil {
			t.Fatal(err)
		}
		for ending, read := range map[string]func(*testing.T, string) (*arrow.Schema, []arrow.Record){".parquet": readParquet, ".arrow": readArrow} {
			path := filepath.Join(t.TempDir(), table+ending)
			if _, err := Export(context.Background(), h, table, path); err != nil {
				t.Fatal(err)
			}
			schema, records := read(t, path)
			if got := asCSV(t, schema, records); got != string(want) {
				t.Errorf("%s%s holds\n%s\nwant\n%s", table, ending, got, want)
			}
		}
	}
}

func readParquet(t *testing.T, path string) (*arrow.Schema, []arrow.Record) {
	t.Helper()
	r, err := file.OpenParquetFile(path, false, file.WithReadProps(parquet.NewReaderProperties(memory.DefaultAllocator)))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	reader, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	all, err := reader.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	rows := array.NewTableReader(all, -1)
	var records []arrow.Record
	for rows.Next() {
		rows.Record().Retain()
		records = append(records, rows.Record())
	}
	return all.Schema(), records
}

func readArrow(t *testing.T, path string) (*arrow.Schema, []arrow.Record) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var records []arrow.Record
	for i := range r.NumRecords() {
		record, err := r.RecordAt(i)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return r.Schema(), records
}

func TestExportSeveralBatches(t *testing.T) {
	h := mustOpen(t, t.TempDir())
	const services, slices = 1000, 70
	s := largeSnapshot(services)
	for range slices {
		s.Index++
		mustAppend(t, h, s)
	}
	for _, ending := range []string{".parquet", ".arrow"} {
		path := filepath.Join(t.TempDir(), "nodes"+ending)
		if rows, err := Export(context.Background(), h, "nodes", path); err != nil || rows != services*slices {
			t.Fatalf("%d rows, %v", rows, err)
		}
		read := readArrow
		if ending == ".parquet" {
			read = readParquet
		}
		_, records := read(t, path)
		var rows int64
		for _, r := range records {
			rows += r.NumRows()
		}
		if rows != services*slices {
			t.Errorf("%s: %d rows, expected %d", ending, rows, services*slices)
		}
	}
}

func TestExportEmpty(t *testing.T) {
	h := mustOpen(t, t.TempDir())
	for _, ending := range []string{".csv", ".parquet", ".arrow"} {
		path := filepath.Join(t.TempDir(), "edges"+ending)
		if rows, err := Export(context.Background(), h, "edges", path); rows != 0 || err != nil {
			t.Errorf("%s: %d rows, %v", ending, rows, err)
		}
	}
}

func TestExportRefuses(t *testing.T) {
	h := exportedHistory(t)
	dir := t.TempDir()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx               context.Context
		table, path, want string
	}{
		{context.Background(), "nodes", "out.xlsx", ".parquet, .arrow or .csv"},
		{context.Background(), "nodes", "out", ".parquet, .arrow or .csv"},
		{context.Background(), "spans", "out.csv", "nodes, edges or forecasts"},
		{context.Background(), "nodes", "none/out.csv", "no such file"},
		{canceled, "nodes", "out.csv", "canceled"},
	} {
		if _, err := Export(c.ctx, h, c.table, filepath.Join(dir, c.path)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v, expected an error with %q", c.table, c.path, err, c.want)
		}
	}
	h.Close()
	if err := os.Remove(h.slices.path(h.slices.entries[0].day)); err != nil {
		t.Fatal(err)
	}
	if _, err := Export(context.Background(), h, "nodes", filepath.Join(dir, "out.csv")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a segment is gone: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
