package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

const (
	page = "docs/evaluation.md"
	dir  = "docs/evaluation"
)

func main() {
	data := flag.String("data", os.Getenv("PRESAGE_TESTDATA")+"/data", "folder of the data sets")
	made := flag.String("worlds", "state/worlds", "folder of generated worlds (presage worlds make)")
	only := flag.String("only", "", "the parts whose names begin so")
	tables := flag.Bool("tables", false, "write the page's tables alone")
	cpus := flag.String("cpus", "0", "threads at most; 0: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := error(nil)
	if !*tables {
		err = run(ctx, *data, *made, *only, *cpus)
	}
	if err = errors.Join(err, fill()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run runs the commands, one after the other.
func run(ctx context.Context, data, made, only, cpus string) error {
	for _, p := range parts() {
		if !strings.HasPrefix(p.name, only) {
			continue
		}
		for _, r := range p.runs {
			if err := one(ctx, p.name, r, data, made, cpus); err != nil {
				return err
			}
		}
	}
	return nil
}

func one(ctx context.Context, name string, run []string, data, made, cpus string) error {
	args := []string{"run", "./cmd/presage"}
	for _, a := range run {
		a = strings.Replace(a, "DATA/", data+"/", 1)
		args = append(args, strings.Replace(a, "WORLDS/", made+"/", 1))
	}
	if !slices.Contains(run, "--cpus") { // budgets of one thread are the part's own
		args = append(args, "--cpus", cpus)
	}
	args = append(args, "--out", filepath.Join(dir, name))
	fmt.Printf("== %s: presage %s\n", name, strings.Join(run, " "))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// fill puts the command and the tables of every part between the page's markers:
//
//	<!-- part NAME --> … <!-- end -->
func fill() error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	for _, p := range parts() {
		begin := []byte("<!-- part " + p.name + " -->\n")
		at := bytes.Index(text, begin)
		if at < 0 {
			continue
		}
		at += len(begin)
		end := bytes.Index(text[at:], []byte("<!-- end -->"))
		if end < 0 {
			return fmt.Errorf("%s: part %s has no end", page, p.name)
		}
		table, err := os.ReadFile(filepath.Join(dir, p.name, "table.md"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var commands strings.Builder
		for _, r := range p.runs {
			fmt.Fprintf(&commands, "presage %s --out %s\n", strings.Join(quoted(r), " "), filepath.ToSlash(filepath.Join(dir, p.name)))
		}
		block := fmt.Sprintf("```\n%s```\n\n%s%s", &commands, table, plots(p.name))
		text = append(append(append([]byte(nil), text[:at]...), block...), text[at+end:]...)
	}
	return os.WriteFile(page, text, 0o644)
}

func quoted(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if strings.Contains(a, " ") {
			out[i] = `"` + a + `"`
		}
	}
	return out
}

// plots links the pictures of a part.
func plots(name string) string {
	files, err := filepath.Glob(filepath.Join(dir, name, "*.png"))
	if err != nil || len(files) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n")
	for _, f := range files {
		fmt.Fprintf(&b, "![%s](%s)\n", strings.TrimSuffix(filepath.Base(f), ".png"), strings.TrimPrefix(filepath.ToSlash(f), "docs/"))
	}
	return b.String()
}
