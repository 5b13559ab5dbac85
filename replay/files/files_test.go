package files

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var calls = Table{Name: "call graph", Patterns: []string{"CallGraph_*.csv"}}
var usage = Table{Name: "usage", Patterns: []string{"usage.csv"}}

func write(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t *testing.T, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		h := &tar.Header{Name: members[i], Mode: 0o644, Size: int64(len(members[i+1])), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// contents reads all parts, each as NAME=CONTENT.
func contents(t *testing.T, parts []Part) []string {
	t.Helper()
	var o Opener
	defer o.Close()
	var got []string
	for _, p := range parts {
		err := o.Each(context.Background(), p, func(f *File) error {
			b, err := io.ReadAll(f)
			got = append(got, string(b))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

func TestFindReadsEveryPacking(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "CallGraph_10.csv", []byte("ten"))
	write(t, dir, "CallGraph_2.csv.gz", zipped(t, []byte("two")))
	write(t, dir, "deep/CallGraph_1.tar.gz", nil)
	write(t, dir, "CallGraph_3.tar.gz", zipped(t, tarred(t, "._CallGraph_3.csv", "junk", "CallGraph_3.csv", "three")))
	write(t, dir, "CallGraph_4.tar.gz", zipped(t, tarred(t, "x/CallGraph_4.csv", "four", "x/CallGraph_5.csv", "five")))
	write(t, dir, "CallGraph_2.csv", []byte("two, unpacked"))
	write(t, dir, "README.md", []byte("no table"))
	if err := os.Remove(filepath.Join(dir, "deep/CallGraph_1.tar.gz")); err != nil {
		t.Fatal(err)
	}
	found, err := Find(context.Background(), dir, usage, calls)
	if err != nil {
		t.Fatal(err)
	}
	if len(found[0]) != 0 {
		t.Errorf("found %v for a table that is not there", found[0])
	}
	want := []string{"two, unpacked", "three", "four", "five", "ten"}
	if got := contents(t, found[1]); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFindReadsOneArchiveOfAllTables(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "recording.tgz", zipped(t, tarred(t,
		"r/CallGraph_10.csv", "ten", "r/usage.csv", "u", "r/CallGraph_9.csv", "nine", "r/CallGraph_11.csv", "eleven")))
	for _, root := range []string{file, dir} {
		found, err := Find(context.Background(), root, calls, usage)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := contents(t, found[0]), []string{"nine", "ten", "eleven"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", root, got, want)
		}
		if got, want := contents(t, found[1]), []string{"u"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", root, got, want)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 20_000) // does not compress, so that half a file is half its bytes
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = "abcdefghijklmnopqrstuvwxyz\n"[rng.IntN(27)]
	}
	whole := zipped(t, append([]byte("a,b\n"), random...))
	cases := []struct {
		name, root string
		want       []string
	}{
		{"wrong path", filepath.Join(dir, "nowhere"), []string{"nowhere", "does not exist", "CallGraph_*.csv"}},
		{"empty folder", empty, []string{"empty", "found nothing", "CallGraph_*.csv"}},
		{"foreign file", write(t, dir, "f/notes.txt", []byte("x")), []string{"notes.txt", "CallGraph_*.csv"}},
		{"truncated gzip", write(t, dir, "g/CallGraph_0.csv.gz", whole[:len(whole)/2]), []string{"CallGraph_0.csv.gz", "truncated", "at line"}},
		{"no gzip", write(t, dir, "h/CallGraph_0.csv.gz", []byte("a,b\n1,2\n")), []string{"CallGraph_0.csv.gz", "no gzip"}},
		{"no tar", write(t, dir, "i/CallGraph_0.tar.gz", zipped(t, []byte("a,b\n1,2\n"))), []string{"CallGraph_0.tar.gz", "no tar"}},
		{"empty archive", write(t, dir, "j/CallGraph_0.tar.gz", zipped(t, tarred(t, "other.csv", "x"))), []string{"CallGraph_0.tar.gz", "other.csv", "CallGraph_*.csv"}},
		{"unknown header", write(t, dir, "k/CallGraph_0.csv", []byte("x,y\n1,2\n")), []string{"CallGraph_0.csv", "expected the columns a, b", "missing a, b", "found x,y"}},
		{"empty file", write(t, dir, "l/CallGraph_0.csv", nil), []string{"CallGraph_0.csv is empty", "a, b"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := readAll(c.root)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
}

func readAll(root string) error {
	found, err := Find(context.Background(), root, calls)
	if err != nil {
		return err
	}
	var o Opener
	defer o.Close()
	for _, p := range found[0] {
		err := o.Each(context.Background(), p, func(f *File) error {
			rows, err := ReadHeader(f, &Skips{}, Columns("a", "b"))
			for err == nil {
				_, err = rows.Next()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func rowsOf(text string, columns []Column, skips *Skips) ([]string, error) {
	rows, err := ReadHeader(&File{Name: "f.csv", r: strings.NewReader(text)}, skips, columns)
	if err != nil {
		return nil, err
	}
	var got []string
	for {
		fields, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return nil, err
		}
		s := make([]string, len(fields))
		for i, f := range fields {
			s[i] = string(f)
			if f == nil {
				s[i] = "-"
			}
		}
		got = append(got, fmt.Sprintf("%d:%s", rows.Line(), strings.Join(s, "|")))
	}
}

func TestRows(t *testing.T) {
	columns := []Column{{Names: []string{"um"}}, {Names: []string{"cpu_utilization", "instance_cpu_usage"}}, {Names: []string{"extra"}, Optional: true}}
	var skips Skips
	got, err := rowsOf("\ufeff,Instance_CPU_Usage,um\r\n0,1.5,a\r\n\n1,\"x,\"\"y\"\"\",b\n2,too,many,fields\n3,\"open,c\n4,,d", columns, &skips)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2:a|1.5|-", `4:b|x,"y"|-`, "7:d||-"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := skips.Counts()[Malformed]; n != 2 {
		t.Errorf("%d malformed rows, want 2", n)
	}
	samples := skips.TakeSamples()
	if len(samples) != 2 || samples[0].Line != 5 || samples[1].Line != 6 {
		t.Errorf("samples %v, want lines 5 and 6", samples)
	}
}

func TestRowsPassesOverLongLines(t *testing.T) {
	var skips Skips
	got, err := rowsOf("a,b\n1,2\n"+strings.Repeat("x", 3<<20)+"\n3,4\n", Columns("a", "b"), &skips)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"2:1|2", "4:3|4"}; !slices.Equal(got, want) || skips.Counts()[Malformed] != 1 {
		t.Errorf("got %q and %v, want %q and one malformed row", got, skips.Counts(), want)
	}
}

func TestReadPlainFillsTrailingFields(t *testing.T) {
	var skips Skips
	rows := ReadPlain(&File{Name: "f", r: strings.NewReader("c_1,m_2\nc_2,m_3,x\nc_3\na,b,c,d\n")}, &skips, []string{"id", "machine", "rest"}, 2)
	var got []string
	for {
		f, err := rows.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(bytes.Join(f, []byte("|"))))
	}
	if want := []string{"c_1|m_2|", "c_2|m_3|x"}; !slices.Equal(got, want) || skips.Counts()[Malformed] != 2 {
		t.Errorf("got %q and %v, want %q and two malformed rows", got, skips.Counts(), want)
	}
}

func TestNatural(t *testing.T) {
	got := []string{"a_10", "a_2", "a_02b", "a", "b_1", "a_1"}
	slices.SortFunc(got, func(a, b string) int {
		switch {
		case Natural(a, b):
			return -1
		case Natural(b, a):
			return 1
		}
		return 0
	})
	if want := []string{"a", "a_1", "a_2", "a_02b", "a_10", "b_1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSkipsLimitsSamples(t *testing.T) {
	var s Skips
	for i := range 1000 {
		s.Add(Malformed, "f", i, func() string { return "x" })
	}
	if n := len(s.TakeSamples()); n != sampleFirst || s.Counts()[Malformed] != 1000 {
		t.Errorf("%d samples of %v rows", n, s.Counts())
	}
}

func FuzzRows(f *testing.F) {
	f.Add("a,b\n1,2\n")
	f.Add("a,b\n\"1,\"\"x\"\"\",2\n\"")
	f.Add("\"a\",b,c\r\n1,2\r\n,,\n")
	f.Fuzz(func(t *testing.T, text string) {
		var skips Skips
		rows, err := rowsOf(text, Columns("a", "b"), &skips)
		if err == nil && int64(strings.Count(text, "\n")) < int64(len(rows))-1 {
			t.Fatalf("%d rows from %d lines", len(rows), strings.Count(text, "\n"))
		}
	})
}
