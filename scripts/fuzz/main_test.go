package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "a_test.go"), "package a\n\nfunc FuzzOne(f *testing.F) {}\n\nfunc FuzzTwo(f *testing.F) {}\n// func FuzzNo(\n")
	write(t, filepath.Join(dir, "b", "b.go"), "package b\n\nfunc FuzzNot(f *testing.F) {}\n")
	got, err := find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := []target{{filepath.Join(dir, "a"), "FuzzOne"}, {filepath.Join(dir, "a"), "FuzzTwo"}}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}

func TestStoreKeepsTheSmallest(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "testdata")
	for i := range 10 {
		write(t, filepath.Join(from, fmt.Sprint(i)), strings.Repeat("x", 10*i))
	}
	o := options{keep: 3, bytes: 50}
	for range 2 {
		if n, err := o.store(from, to); err != nil || n != 3 {
			t.Fatalf("%d are kept: %v", n, err)
		}
	}
	for i := range 10 {
		if _, err := os.Stat(filepath.Join(to, fmt.Sprint(i))); (err == nil) != (i < 3) {
			t.Errorf("input %d: %v", i, err)
		}
	}
	if n, err := o.store(filepath.Join(from, "none"), to); err != nil || n != 0 {
		t.Errorf("a target without a cache: %d, %v", n, err)
	}
}

func TestProgress(t *testing.T) {
	m := progress.FindStringSubmatch("fuzz: elapsed: 10m1s, execs: 123456 (200/sec), new interesting: 7 (total: 91)")
	if len(m) != 5 || m[1] != "10m1s" || m[2] != "123456" || m[4] != "91" {
		t.Errorf("found %q", m)
	}
}
