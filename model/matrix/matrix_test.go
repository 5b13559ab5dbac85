package matrix_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"presage/model/matrix"
)

func TestReadSortsColumns(t *testing.T) {
	steps, err := matrix.Read(strings.NewReader("b,c,a\n1,2.5,3\n4,,0\n"), strings.NewReader("1,0.5,0\n0,0,2\n0,0,1\n"),
		"series", "adjacency", matrix.Options{Start: time.Unix(600, 0), Width: time.Minute, ZeroMissing: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[1].At != 660e9 || steps[1].Width != 60e9 {
		t.Fatalf("%d steps, second at %d", len(steps), steps[1].At)
	}
	s := steps[1]
	if !slices.Equal(s.Services, []string{"a", "b", "c"}) || !slices.Equal(s.Values, []float32{0, 4, 0}) || !slices.Equal(s.Mask, []float32{0, 1, 0}) {
		t.Errorf("services %v, values %v, mask %v", s.Services, s.Values, s.Mask)
	}
	// Given b→b 1, b→c 0.5, c→a 2, a→a 1.
	g := s.Graph
	if !slices.Equal(g.RowPtr, []int32{0, 1, 3, 4}) || !slices.Equal(g.Col, []int32{0, 1, 2, 0}) || !slices.Equal(g.Weight, []float32{1, 1, 0.5, 2}) {
		t.Errorf("graph %+v", g)
	}
	if &steps[0].Services[0] != &steps[1].Services[0] || steps[0].Graph != steps[1].Graph {
		t.Error("steps don't share services and graph")
	}
}

func TestHeaderIsRecognised(t *testing.T) {
	tests := []struct {
		in, header string
		first      string
		rows       int
	}{
		{"x,y\n1,2\n", "", "x", 1},
		{"773869,767541\n64.375,67.625\n", "auto", "767541", 1},
		{"1,2\n3,4\n", "", "series-1", 2},
		{"1,1\n3.5,4\n", "", "series-1", 2},
		{"1,2\n3.5,4.5\n", "no", "series-1", 2},
		{"1,2\n3,4\n", "yes", "1", 1},
		{"\ufeffx,y\r\n1,2\r\n\r\n", "", "x", 1},
	}
	for _, tt := range tests {
		steps, err := matrix.Read(strings.NewReader(tt.in), nil, "series", "", matrix.Options{Header: tt.header})
		if err != nil || len(steps) != tt.rows || steps[0].Services[0] != tt.first {
			t.Errorf("%q: %d steps, error %v", tt.in, len(steps), err)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	tests := []struct{ name, series, adjacency, text string }{
		{"nothing", "", "", "s.csv: no rows"},
		{"header only", "a,b\n", "", "s.csv: no rows"},
		{"ragged row", "a,b\n1,2\n3\n", "", "s.csv:3: 1 columns, but line 1 has 2"},
		{"NaN", "a,b\n1,2\n3,NaN\n", "", `s.csv:3: column 2: "NaN"`},
		{"text", "a,b\n1,2\n3,x\n", "", `s.csv:3: column 2: "x"`},
		{"huge", "a,b\n1,1e60\n", "", "finite"},
		{"twice", "a,a\n1,2\n", "", `columns 1 and 2 are both called "a"`},
		{"no name", "a,\n1,2\n", "", "column 2 has no name"},
		{"shape", "a,b\n1,2\n", "1,0,0\n0,1,0\n", "a.csv has 2 rows and 3 columns, but s.csv has 2 series: expected 2 × 2"},
		{"negative weight", "a,b\n1,2\n", "1,0\n0,-1\n", "a.csv:2: column 2: weight -1"},
		{"missing weight", "a,b\n1,2\n", "1,\n0,1\n", "a.csv:1: column 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			if tt.adjacency == "" {
				_, err = matrix.Read(strings.NewReader(tt.series), nil, "s.csv", "", matrix.Options{})
			} else {
				_, err = matrix.Read(strings.NewReader(tt.series), strings.NewReader(tt.adjacency), "s.csv", "a.csv", matrix.Options{})
			}
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v, expected one with %q", err, tt.text)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte("a,b\n1,2\n3,4\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	series := write("s.csv.gz", b.Bytes())
	adjacency := write("a.csv", []byte("1,0\n0,1\n"))
	steps, err := matrix.Open(series, adjacency, matrix.Options{})
	if err != nil || len(steps) != 2 {
		t.Errorf("%d steps, error %v", len(steps), err)
	}
	for path, text := range map[string]string{
		filepath.Join(dir, "none.csv"): "none.csv",
		dir:                            "folder",
		write("cut.csv.gz", b.Bytes()[:b.Len()-9]): "cut.csv.gz",
		write("empty.csv", nil):                    "no rows",
	} {
		if _, err := matrix.Open(path, "", matrix.Options{}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: error %v, expected one with %q", path, err, text)
		}
	}
}

func TestLosLoop(t *testing.T) {
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: it names the folder that holds data/los-loop")
	}
	dir := filepath.Join(root, "data", "los-loop")
	steps, err := matrix.Open(filepath.Join(dir, "los_speed.csv.gz"), filepath.Join(dir, "los_adj.csv"), matrix.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2016 || len(steps[0].Services) != 207 || len(steps[0].Graph.Col) != 2833 {
		t.Errorf("%d steps of %d series, %d edges", len(steps), len(steps[0].Services), len(steps[0].Graph.Col))
	}
}

func FuzzRead(f *testing.F) {
	f.Add("a,b\n1,2\n3,4\n", "1,0\n0,1\n")
	f.Add("1,2\n3.5,\n", "")
	f.Fuzz(func(t *testing.T, series, adjacency string) {
		steps, err := matrix.Read(strings.NewReader(series), strings.NewReader(adjacency), "s", "a", matrix.Options{})
		if err != nil {
			return
		}
		for _, s := range steps {
			if n := len(s.Services); len(s.Values) != n || len(s.Mask) != n || len(s.Graph.RowPtr) != n+1 || !slices.IsSorted(s.Services) {
				t.Fatalf("step %+v", s)
			}
		}
	})
}

func TestEdgesByName(t *testing.T) {
	series := "b,a\n1,2\n3,4\n"
	steps, err := matrix.Read(strings.NewReader(series), strings.NewReader("from,to,weight\nb,a,0.5\n"), "s", "e", matrix.Options{Header: "yes"})
	if err != nil {
		t.Fatal(err)
	}
	g := steps[0].Graph
	if len(g.Col) != 1 || g.RowPtr[1] != 0 || g.RowPtr[2] != 1 || g.Col[0] != 0 || g.Weight[0] != 0.5 {
		t.Errorf("%+v", g)
	}
	for text, want := range map[string]string{
		"from,to,weight\nb,c,1\n":   `e:2: "c" is no column`,
		"from,to,weight\nb,a\n":     "e:2: 2 columns",
		"from,to,weight\nb,a,NaN\n": `e:2: weight "NaN"`,
		"from,to,weight\nb,a,-1\n":  `e:2: weight "-1"`,
	} {
		_, err := matrix.Read(strings.NewReader(series), strings.NewReader(text), "s", "e", matrix.Options{Header: "yes"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestFolderHoldsSeriesAndAdjacency(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := matrix.Find(dir); err == nil {
		t.Error("an empty folder holds a matrix")
	}
	for _, name := range []string{"speed.csv.gz", "adj_mx.csv", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	series, adjacency, err := matrix.Find(dir)
	if err != nil || filepath.Base(series) != "speed.csv.gz" || filepath.Base(adjacency) != "adj_mx.csv" {
		t.Errorf("%q, %q, %v", series, adjacency, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := matrix.Find(dir); err == nil {
		t.Error("two series in a folder, and no error")
	}
}
