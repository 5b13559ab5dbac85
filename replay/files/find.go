package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strings"
)

// Table is one table of a format.
type Table struct {
	Name string // what messages call it: "call graph"
	// Patterns are base names as path.Match has them, with the ending .csv but
	// without that of a compression: "MSCallGraph_*.csv". Letter case does not count.
	Patterns []string
}

// Part is one file of a table, or one member of an archive.
type Part struct {
	Path   string // the file on disk
	Member string // the member's name; empty: all members that belong to the table
	Size   int64  // bytes on disk; shared evenly among the members of an archive
	table  Table
	pos    int // the member's place in the archive
}

// String names the part in messages.
func (p Part) String() string {
	if p.Member != "" {
		return p.Path + ":" + p.Member
	}
	return p.Path
}

// Find looks for the tables' files: root is one file, one archive or a folder
// (searched three levels deep). The parts of tables[i] are found[i], in natural order
// (part_2 before part_10). It fails if root does not exist or holds no file of
// any table, naming the names that were expected.
func Find(ctx context.Context, root string, tables ...Table) (found [][]Part, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w; expected a folder, an archive or a file with %s", root, cause(err), expected(tables))
	}
	var names []string
	if info.IsDir() {
		if names, err = walk(root); err != nil {
			return nil, fmt.Errorf("recording %s: %w", root, err)
		}
	} else {
		names = []string{root}
	}
	found = make([][]Part, len(tables))
	var archives []string
	for _, name := range withoutTwins(names) {
		i := tableOf(name, tables)
		switch {
		case i >= 0:
			st, err := os.Stat(name)
			if err != nil {
				return nil, fmt.Errorf("recording %s: %w", root, err)
			}
			found[i] = append(found[i], Part{Path: name, Size: st.Size(), table: tables[i]})
		case isArchive(name):
			archives = append(archives, name)
		}
	}
	if empty(found) {
		for _, name := range archives {
			if err := list(ctx, name, tables, found); err != nil {
				return nil, err
			}
		}
	}
	if empty(found) {
		return nil, fmt.Errorf("recording %s holds no file of this format: found %s; expected files named %s (plain, .gz or .tar.gz)",
			root, sample(root, names), expected(tables))
	}
	for _, parts := range found {
		sort.SliceStable(parts, func(i, j int) bool { return Natural(parts[i].String(), parts[j].String()) })
	}
	return found, nil
}

func cause(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ErrNotExist
	}
	return err
}

func empty(found [][]Part) bool {
	for _, parts := range found {
		if len(parts) > 0 {
			return false
		}
	}
	return true
}

// walk lists the plain files below root in order of name, three levels deep.
func walk(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if d.IsDir() {
			if strings.Count(rel, string(filepath.Separator)) >= 3 || (rel != "." && strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasPrefix(d.Name(), ".") {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// stem is a file's name without the endings of compression and of CSV.
func stem(name string) string {
	s := strings.ToLower(name)
	for _, end := range []string{".gz", ".tgz", ".tar", ".csv"} {
		s = strings.TrimSuffix(s, end)
	}
	return s
}

func isArchive(name string) bool {
	s := strings.ToLower(name)
	return strings.HasSuffix(s, ".tar") || strings.HasSuffix(s, ".tar.gz") || strings.HasSuffix(s, ".tgz")
}

func tableOf(name string, tables []Table) int {
	s := stem(path.Base(filepath.ToSlash(name)))
	for i, t := range tables {
		for _, pattern := range t.Patterns {
			if ok, _ := path.Match(stem(pattern), s); ok {
				return i
			}
		}
	}
	return -1
}

// withoutTwins leaves one of the files that differ in the ending only: somebody
// unpacked X.tar.gz beside X.csv. The plain one is the faster.
func withoutTwins(names []string) []string {
	best := make(map[string]string, len(names))
	for _, name := range names {
		s := stem(name)
		if old, ok := best[s]; !ok || len(name) < len(old) {
			best[s] = name
		}
	}
	kept := names[:0:0]
	for _, name := range names {
		if best[stem(name)] == name {
			kept = append(kept, name)
		}
	}
	return kept
}

func expected(tables []Table) string {
	var s []string
	for _, t := range tables {
		s = append(s, t.Patterns...)
	}
	return strings.Join(s, ", ")
}

func sample(root string, names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	var s []string
	for i, name := range names {
		if i == 5 {
			s = append(s, fmt.Sprintf("and %d more", len(names)-i))
			break
		}
		if rel, err := filepath.Rel(root, name); err == nil && rel != "." {
			name = rel
		}
		s = append(s, name)
	}
	return strings.Join(s, ", ")
}

// Natural reports whether a comes before b when runs of digits count as numbers.
func Natural(a, b string) bool {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da > 0 && db > 0 {
			na, nb := strings.TrimLeft(a[:da], "0"), strings.TrimLeft(b[:db], "0")
			if len(na) != len(nb) {
				return len(na) < len(nb)
			}
			if na != nb {
				return na < nb
			}
			a, b = a[da:], b[db:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}
