package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"presage/model/evaluation"
)

// waves writes a folder with three series and their edges.
func waves(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("a,b,c\n")
	for k := range 500 {
		x := float64(k)
		fmt.Fprintf(&b, "%.3f,%.3f,%.3f\n", 10+math.Sin(x/7)+0.1*math.Sin(x*1.7), 20+math.Cos(x/9)+0.1*math.Cos(x*2.3), 5+math.Sin(x/5))
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"series.csv": b.String(), "adjacency.csv": "from,to,weight\na,b,1\nb,c,0.5\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// evaluate runs the command as a process and gives its output and exit code.
func evaluate(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd, output, _ := program(t, append([]string{"evaluate"}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	code := exitCode(t, cmd, output)
	return output.String(), code
}

func TestEvaluateCompare(t *testing.T) {
	out := t.TempDir()
	args := []string{"compare", "--format", "matrix", "--data", waves(t), "--name", "waves", "--methods", "average,ridge,nlinear/common,stgnn",
		"--input", "6", "--horizons", "4", "--epochs", "2", "--seeds", "2", "--time-budget", "1m", "--out", out}
	text, code := evaluate(t, args...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, text)
	}
	for _, want := range []string{"| persistence |", "| stgnn | 2 |", "stgnn less the other", "coverage"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	var r evaluation.Results
	raw, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil || r.Data != "waves" || len(r.Methods) != 5 || len(r.Methods[4].Against) == 0 {
		t.Errorf("results.json: %v, %+v", err, r)
	}
	// Again: everything is read back.
	if text, code = evaluate(t, args...); code != 0 || strings.Count(text, "read back") != 7 {
		t.Errorf("a second run: exit %d, %s", code, text)
	}
}

func TestEvaluateRefuses(t *testing.T) {
	dir, out := waves(t), t.TempDir()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no folder":         {[]string{"compare", "--format", "matrix", "--data", dir}, "--out"},
		"no data":           {[]string{"compare", "--format", "matrix", "--out", out}, "--data"},
		"an unknown method": {[]string{"compare", "--format", "matrix", "--data", dir, "--out", out, "--methods", "oracle"}, `"oracle"`},
		"an unknown format": {[]string{"compare", "--format", "stone", "--data", dir, "--out", out}, "stone"},
		"no test part":      {[]string{"compare", "--format", "matrix", "--data", dir, "--out", out, "--test", "0"}, "--test"},
		"too short":         {[]string{"compare", "--format", "matrix", "--data", dir, "--out", out, "--input", "400"}, "too few"},
		"no load":           {[]string{"load", "--format", "matrix", "--data", dir, "--out", out}, "requests"},
		"no world":          {[]string{"compare", "--format", "world", "--data", dir, "--out", out}, "world.json"},
	} {
		text, code := evaluate(t, c.args...)
		if code == 0 || !strings.Contains(text, c.want) {
			t.Errorf("%s: exit %d, %q lacks %q", name, code, text, c.want)
		}
	}
}
