package generated

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/csv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"presage/replay"
)

// open2022 opens a part file, whatever its packing.
func open2022(t *testing.T, path string) io.Reader {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return file
	}
	zip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(path, ".tar.gz") {
		return zip
	}
	tape := tar.NewReader(zip)
	if _, err := tape.Next(); err != nil {
		t.Fatal(err)
	}
	return tape
}

// table2022 reads all parts of a table; rows are checked to lie in their file's time.
func table2022(t *testing.T, dir, folder, header string, part time.Duration) (rows [][]string, files int) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, folder, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, path := range paths {
		all, err := csv.NewReader(open2022(t, path)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if got := strings.Join(all[0], ","); got != header {
			t.Fatalf("%s: header %s", path, got)
		}
		base, _, _ := strings.Cut(filepath.Base(path), ".")
		index, _ := strconv.Atoi(base[strings.LastIndex(base, "_")+1:])
		for _, row := range all[1:] {
			at, err := strconv.ParseInt(row[0], 10, 64)
			if err != nil || at/part.Milliseconds() != int64(index) {
				t.Fatalf("%s: timestamp %s", path, row[0])
			}
		}
		rows = append(rows, all[1:]...)
	}
	return rows, len(paths)
}

// edges2022 folds rows into calls as docs/generator.md says, and counts them by edge.
func edges2022(rows [][]string, names map[string]string) map[string]int {
	groups := map[string]int{}
	for _, r := range rows {
		groups[strings.Join([]string{r[1], r[3], r[5], r[8], r[4]}, " ")]++
	}
	edges := map[string]int{}
	for key, n := range groups {
		f := strings.Fields(key)
		if kind := f[4]; kind == "rpc" || kind == "http" {
			n = (n + 1) / 2
		}
		edges[names[f[2]]+" "+names[f[3]]] += n
	}
	return edges
}

func TestWrite2022AgreesWithTheSpans(t *testing.T) {
	opt := Options{Seed: 21, Services: 20, Rate: 200, Duration: 7 * time.Minute, Incidents: 20}
	want := map[string]int{}
	items(t, opt, func(i replay.Item) {
		s := i.Span
		if s == nil {
			return
		}
		me := attribute(s.Resource, "service.name")
		switch {
		case s.ParentID == (spanID{}):
			want["USER "+me]++
		case s.Kind == spanClient || s.Kind == spanProducer:
			callee := attribute(s.Attributes, "service.peer.name") + attribute(s.Attributes, "server.address")
			if topic := attribute(s.Attributes, "messaging.destination.name"); topic != "" {
				callee = strings.TrimSuffix(topic, "-events")
			}
			want[me+" "+callee]++
		}
	})
	for _, pack := range []Packing{Plain, Gzip, TarGz} {
		t.Run("pack "+string(pack), func(t *testing.T) {
			g, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			written, err := Write2022(context.Background(), dir, g, Volume{Pack: pack})
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]string{"USER": "USER"}
			services, err := csv.NewReader(open2022(t, filepath.Join(dir, "services.csv"))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range services[1:] {
				names[row[0]] = row[1]
			}
			rows, files := table2022(t, dir, "CallGraph", callHeader, callPart)
			if int64(len(rows)) != written.Rows || files < 3 {
				t.Errorf("%d rows in %d files, %+v written", len(rows), files, written)
			}
			got := edges2022(rows, names)
			if !maps.Equal(got, want) {
				t.Errorf("calls by edge differ:\n files %v\n spans %v", got, want)
			}
			if sorted(rows[:200]) {
				t.Error("rows are in order")
			}
			rates, _ := table2022(t, dir, "MSRTMCR", rateHeader, callPart)
			metrics, _ := table2022(t, dir, "MSMetrics", metricHeader, metricPart)
			if len(rates) < 7*20 || len(rates) != len(metrics) {
				t.Errorf("%d rows of rates, %d of metrics", len(rates), len(metrics))
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*", prefix+"*")); len(left) > 0 {
				t.Errorf("unfinished files are left: %v", left)
			}
		})
	}
}

// sorted reports whether rows rise in time.
func sorted(rows [][]string) bool {
	last := int64(0)
	for _, r := range rows {
		at, _ := strconv.ParseInt(r[0], 10, 64)
		if at < last {
			return false
		}
		last = at
	}
	return true
}

func TestWrite2022IsDeterministicAndLeavesNamesOut(t *testing.T) {
	opt := Options{Seed: 22, Services: 8, Rate: 60, Duration: 4 * time.Minute}
	read := func() string {
		g, err := Open(opt)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if _, err := Write2022(context.Background(), dir, g, Volume{Unknown: true}); err != nil {
			t.Fatal(err)
		}
		all := ""
		for _, name := range []string{"CallGraph/CallGraph_0.csv", "CallGraph/CallGraph_1.csv", "MSRTMCR/MCRRTUpdate_0.csv", "MSMetrics/MSMetricsUpdate_0.csv"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			all += string(b)
		}
		return all
	}
	a := read()
	if a != read() {
		t.Error("two runs write different files")
	}
	if !strings.Contains(a, ",UNKNOWN,UNAVAILABLE,") || !strings.Contains(a, ",UNKNOWN,UNKNOWN,") || !strings.Contains(a, ",USER,USER,") {
		t.Error("no names are left out")
	}
}

func TestWrite2022RefusesAndCleansUp(t *testing.T) {
	endless, err := Open(Options{Services: 3})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write2022(context.Background(), t.TempDir(), endless, Volume{}); err == nil {
		t.Error("an endless run is written")
	}
	g, err := Open(Options{Services: 3, Rate: 20, Hours: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write2022(context.Background(), t.TempDir(), g, Volume{Pack: "zip"}); err == nil {
		t.Error("an unknown packing is taken")
	}
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	_, err = Write2022(ctx, dir, g, Volume{Progress: func(share float64) {
		if share > 0.1 {
			cancel()
		}
	}})
	if err == nil {
		t.Error("a cancelled run succeeds")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*", prefix+"*")); len(left) > 0 {
		t.Errorf("unfinished files are left: %v", left)
	}
}
