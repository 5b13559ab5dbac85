package exactness

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// data finds a folder or file of the shared test data.
func data(t *testing.T, name string) string {
	t.Helper()
	root := os.Getenv("PRESAGE_TESTDATA")
	if root == "" {
		t.Skip("PRESAGE_TESTDATA is not set: it names the folder that has the real recordings in its folder data")
	}
	path := filepath.Join(root, "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the recording is not there: %v", err)
	}
	return path
}

// eachRow calls f with every row of a CSV file by column name.
func eachRow(t *testing.T, path string, f func(field func(column string) string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var in io.Reader = file
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(file); err != nil {
			t.Fatal(err)
		}
	}
	r := csv.NewReader(in)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range header {
		at[name] = i
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(func(column string) string {
			i, ok := at[column]
			if !ok {
				t.Fatalf("%s has no column %s", path, column)
			}
			return row[i]
		})
	}
}

func integer(t *testing.T, s string) int64 {
	t.Helper()
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
