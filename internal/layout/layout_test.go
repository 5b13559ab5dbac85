package layout

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	maxLines     = 400
	maxTestLines = 800
)

// file is a parsed Go file of the tree.
type file struct {
	path  string // from the root, with slashes
	lines int
	ast   *ast.File
}

func (f file) test() bool   { return strings.HasSuffix(f.path, "_test.go") }
func (f file) room() string { return filepath.ToSlash(filepath.Dir(f.path)) }

func (f file) imports() (paths []string) {
	for _, i := range f.ast.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, path)
	}
	return paths
}

func tree(t *testing.T) (files []file) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if d.IsDir() && path != "." {
			if _, err := fs.Stat(root, path+"/go.mod"); err == nil {
				return fs.SkipDir // a module of its own: a generator
			}
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, file{path, bytes.Count(text, []byte("\n")), parsed})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range tree(t) {
		room := f.room()
		documented[room] = documented[room] || strings.HasSuffix(f.path, "/doc.go") && f.ast.Doc != nil
	}
	for room, ok := range documented {
		if !ok {
			t.Errorf("%s has no doc.go with a package comment", room)
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	for _, f := range tree(t) {
		limit := maxLines
		if f.test() {
			limit = maxTestLines
		}
		if f.lines > limit {
			t.Errorf("%s has %d lines, at most %d: split off a noun", f.path, f.lines, limit)
		}
	}
}

// The rooms, in the order of the flow: what each may import of the others.
var allowed = map[string][]string{
	"ingest":         {"ingest"},
	"ingest/otlp":    {},
	"windower":       {"ingest", "windower/pair", "windower/slice"},
	"windower/pair":  {"ingest", "windower/slice"},
	"windower/slice": {},
	"windower/stage": {"ingest", "windower", "windower/slice", "internal/kafka"},
	"model":          {"model", "windower/slice"},
	"sink":           {"model", "windower/slice", "internal/kafka"},
	"replay":         {"replay", "ingest/otlp"},
}

// room finds the most special entry of allowed for a folder.
func room(folder string) (string, bool) {
	for ; folder != "."; folder = filepath.ToSlash(filepath.Dir(folder)) {
		if _, ok := allowed[folder]; ok {
			return folder, true
		}
	}
	return "", false
}

func TestImportsFollowTheFlow(t *testing.T) {
	for _, f := range tree(t) {
		from, ok := room(f.room())
		if !ok || f.test() {
			continue
		}
		for _, path := range f.imports() {
			ours, inside := strings.CutPrefix(path, "presage/")
			if !inside {
				continue
			}
			to, known := room(ours)
			if to == from && known || slices.ContainsFunc(allowed[from], func(a string) bool {
				return ours == a || strings.HasPrefix(ours, a+"/")
			}) {
				continue
			}
			t.Errorf("%s imports %s: %s may import %v", f.path, path, from, allowed[from])
		}
	}
}

// The cores know neither Kafka nor goroutines' tools nor the network.
func TestCoresArePure(t *testing.T) {
	pure := []string{"windower", "windower/pair", "windower/slice", "model"}
	banned := []string{"github.com/segmentio/kafka-go", "github.com/twmb/", "net", "net/http", "sync", "golang.org/x/sync", "log", "log/slog", "math/rand"}
	exempt := map[string]string{
		"windower/slice":    "sync", // the history and the codecs' pools are used by several goroutines
		"model/tensor/pool": "sync", // owns the networks' workers
	}
	for _, f := range tree(t) {
		in, ok := room(f.room())
		if !ok || f.test() || !slices.Contains(pure, in) {
			continue
		}
		for _, path := range f.imports() {
			for _, b := range banned {
				if (path == b || strings.HasPrefix(path, strings.TrimSuffix(b, "/")+"/") && b != "net" && b != "log" && b != "math/rand") && exempt[f.room()] != b {
					t.Errorf("%s imports %s: %s is a pure core", f.path, path, in)
				}
			}
		}
	}
}
