package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// errMissing says that there is no benchmark of a name.
var errMissing = errors.New("no such benchmark")

// ours runs Go benchmarks from test binaries that it builds once.
type ours struct {
	folder   string            // holds the binaries
	binaries map[string]string // by package
}

func newOurs() (*ours, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, fmt.Errorf("folder for test binaries: %w", err)
	}
	return &ours{folder: folder, binaries: map[string]string{}}, nil
}

func (o *ours) close() error { return os.RemoveAll(o.folder) }

// build compiles a package's tests.
func (o *ours) build(ctx context.Context, pkg string) error {
	if o.binaries[pkg] != "" {
		return nil
	}
	binary := filepath.Join(o.folder, fmt.Sprintf("%d.test", len(o.binaries)))
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, pkg).CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test -c %s: %w\n%s", pkg, err, out)
	}
	o.binaries[pkg] = binary
	return nil
}

// run gives the nanoseconds of one operation, or errMissing. benchtime is as the testing package
// takes it. The whole process has as many threads as the case.
func (o *ours) run(ctx context.Context, g group, c benchCase, benchtime string) (float64, error) {
	if err := o.build(ctx, g.pkg); err != nil {
		return 0, err
	}
	name := c.benchmark(g)
	cmd := exec.CommandContext(ctx, o.binaries[g.pkg],
		"-test.run", "^$", "-test.bench", pattern(name), "-test.benchtime", benchtime, "-test.timeout", "10m")
	cmd.Dir = filepath.FromSlash(g.pkg)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", c.threads))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w\n%s", g.pkg, name, err, out)
	}
	return nsPerOp(string(out))
}

// pattern makes the testing package run this benchmark and no other.
func pattern(name string) string { return "^" + strings.ReplaceAll(name, "/", "$/^") + "$" }

var resultPattern = regexp.MustCompile(`\s([0-9.eE+-]+) ns/op`)

// nsPerOp finds the one result in the output of a test binary.
func nsPerOp(out string) (float64, error) {
	found := resultPattern.FindAllStringSubmatch(out, -1)
	if len(found) == 0 {
		return 0, errMissing
	}
	if len(found) > 1 {
		return 0, fmt.Errorf("%d results instead of one:\n%s", len(found), out)
	}
	ns, err := strconv.ParseFloat(found[0][1], 64)
	if err != nil {
		return 0, fmt.Errorf("result of a benchmark: %w", err)
	}
	return ns, nil
}
