package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	o := options{out: os.Stdout}
	flag.DurationVar(&o.each, "time", 10*time.Minute, "how long each target is fuzzed")
	flag.IntVar(&o.jobs, "jobs", 2, "targets at once, with one worker each")
	flag.StringVar(&o.only, "only", ".", "regular expression that a target's package and name must match")
	flag.IntVar(&o.keep, "keep", 50, "inputs of each target that are kept at most")
	flag.Int64Var(&o.bytes, "bytes", 4096, "size of an input that is kept at most")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx, ".")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

type options struct {
	each       time.Duration
	jobs, keep int
	bytes      int64
	only       string
	out        io.Writer
}

// target is one fuzz function.
type target struct{ dir, name string }

func (t target) String() string { return t.dir + " " + t.name }

func (o *options) run(ctx context.Context, root string) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	targets, err := find(root)
	if err != nil {
		return err
	}
	cache, err := goEnv(ctx, "GOCACHE")
	if err != nil {
		return err
	}
	module, err := exec.CommandContext(ctx, "go", "list", "-m").Output()
	if err != nil {
		return fmt.Errorf("which module this is: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(o.jobs, 1))
	for _, t := range targets {
		if !only.MatchString(t.String()) {
			continue
		}
		group.Go(func() error {
			found := filepath.Join(cache, "fuzz", strings.TrimSpace(string(module)), t.dir, t.name)
			return o.fuzz(ctx, t, found)
		})
	}
	return group.Wait()
}

// function is the head of a fuzz target.
var function = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// find lists the fuzz targets below a folder.
func find(root string) (all []target, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range function.FindAllSubmatch(text, -1) {
			all = append(all, target{filepath.Dir(path), string(m[1])})
		}
		return nil
	})
	return all, err
}

func goEnv(ctx context.Context, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", name).Output()
	if err != nil {
		return "", fmt.Errorf("go env %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// progress is go test's word on how far it is.
var progress = regexp.MustCompile(`elapsed: (\S+), execs: (\d+) .*new interesting: (\d+) \(total: (\d+)\)`)

// fuzz runs one target and keeps what it found.
func (o *options) fuzz(ctx context.Context, t target, found string) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", o.each.String(), "-parallel", "1", "./"+t.dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	text, err := cmd.CombinedOutput()
	lines := progress.FindAllStringSubmatch(string(text), -1)
	// Go sometimes calls a run that its time limit has ended failed, though no input fails.
	if err != nil && (strings.Contains(string(text), "Failing input") || !strings.Contains(string(text), "context deadline exceeded")) {
		return fmt.Errorf("%s: %w\n%s", t, err, text)
	}
	if len(lines) == 0 {
		return fmt.Errorf("%s: go test tells nothing:\n%s", t, text)
	}
	kept, err := o.store(found, filepath.Join(t.dir, "testdata", "fuzz", t.name))
	if err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	last := lines[len(lines)-1]
	_, err = fmt.Fprintf(o.out, "%s: %s, %s executions, %s inputs reached new code, %d are kept\n", t, last[1], last[2], last[4], kept)
	return err
}

// store copies the smallest inputs of a cache to a folder of test data, and counts what lies there then.
func (o *options) store(from, to string) (int, error) {
	entries, err := os.ReadDir(from)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	var small []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return 0, err
		}
		if info.Mode().IsRegular() && info.Size() <= o.bytes {
			small = append(small, info)
		}
	}
	slices.SortFunc(small, func(a, b fs.FileInfo) int {
		return cmp.Or(cmp.Compare(a.Size(), b.Size()), strings.Compare(a.Name(), b.Name()))
	})
	if len(small) == 0 {
		return 0, nil
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return 0, err
	}
	for _, info := range small[:min(o.keep, len(small))] {
		input, err := os.ReadFile(filepath.Join(from, info.Name()))
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(to, info.Name()), input, 0o644); err != nil {
			return 0, err
		}
	}
	kept, err := os.ReadDir(to)
	return len(kept), err
}
