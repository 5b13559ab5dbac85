package main

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func TestNsPerOp(t *testing.T) {
	for out, want := range map[string]float64{
		"BenchmarkExp/n=65536-2 \t 1000\t 20500 ns/op\t 0 B/op\nPASS\n": 20500,
		"BenchmarkExp/n=4 \t 1000000000\t 0.2506 ns/op\nPASS\n":         0.2506,
	} {
		if got, err := nsPerOp(out); err != nil || got != want {
			t.Errorf("nsPerOp(%q) = %v, %v", out, got, err)
		}
	}
	if _, err := nsPerOp("PASS\n"); !errors.Is(err, errMissing) {
		t.Errorf("without a result: %v", err)
	}
	if _, err := nsPerOp("a 1 2 ns/op\nb 1 3 ns/op\n"); err == nil || errors.Is(err, errMissing) {
		t.Errorf("with two results: %v", err)
	}
}

func TestNames(t *testing.T) {
	g := gemm()
	c := g.cases[0]
	if got := c.name(g); got != "BenchmarkGemm/m=200/n=64/threads=1" {
		t.Error(got)
	}
	if got := c.torch(g); got != "BenchmarkGemm/m=200/n=64" {
		t.Error(got)
	}
	if got := pattern(c.name(g)); got != "^BenchmarkGemm$/^m=200$/^n=64$/^threads=1$" {
		t.Error(got)
	}
	g = rivals()[1]
	c = g.cases[1]
	if name, ours, torch := c.name(g), c.benchmark(g), c.torch(g); name != "BenchmarkRivalDGCRN/batch=16/threads=2" ||
		ours != "BenchmarkTrainStep/batch=16/threads=2" || torch != "BenchmarkRivalDGCRN/batch=16" {
		t.Error(name, ours, torch)
	}
	seen := map[string]bool{}
	for _, g := range groups() {
		for _, c := range g.cases {
			if seen[c.name(g)] {
				t.Errorf("%s is there twice", c.name(g))
			}
			seen[c.name(g)] = true
		}
	}
}

func TestFigures(t *testing.T) {
	if got := geomean([]float64{0.5, 2, 8}); math.Abs(got-2) > 1e-12 {
		t.Error(got)
	}
	if got := slope([]float64{0, 1, 2}, []float64{1, 3, 5}); math.Abs(got-2) > 1e-12 {
		t.Error(got)
	}
	if a, b := median([]float64{3, 1, 2}), median([]float64{4, 1, 2, 3}); a != 2 || b != 2.5 {
		t.Error(a, b)
	}
	r := record{ours: []float64{1, 2, 4}, torch: []float64{3, 8, 8}} // ratios 3, 4, 2
	if got := median(r.ratios()); got != 3 {
		t.Error(got)
	}
}

func TestVerdict(t *testing.T) {
	ratio := 2.5
	r := result{Ours: 4e6, Ratio: &ratio}
	for want, goals := range map[string][]goal{
		"–":   {{}},
		"yes": {{ratio: 2.5}, {limit: 4 * time.Millisecond}, {ratio: 2, limit: 5 * time.Millisecond}},
		"no":  {{ratio: 3}, {limit: 3 * time.Millisecond}, {ratio: 2, limit: time.Millisecond}},
	} {
		for _, g := range goals {
			if got := g.verdict(r); got != want {
				t.Errorf("%v: %s instead of %s", g, got, want)
			}
		}
	}
	if got := (goal{ratio: 2}).verdict(result{Ours: 1}); got != "–" {
		t.Errorf("without PyTorch: %s", got)
	}
}

func TestReport(t *testing.T) {
	g := spmm()
	a := answer{Ways: map[string]float64{"COO": 5e3, "info: dense mm": 6e4}}
	results := resultsOf([]record{{group: g, c: g.cases[0], setting: "COO, omp 1, blas 1",
		ours: []float64{1e3, 1.1e3, 1.2e3}, torch: []float64{6e3, 6.6e3, 6e3}, info: a.information()}})
	text := report(machine{CPU: "a processor", Torch: "1"}, results, notesOf("x"+notesBegin+"\nBy hand.\n"+notesEnd))
	for _, want := range []string{
		"| services=200 | 1 | 1.1 µs (1 µs–1.2 µs) | 6 µs (6 µs–6.6 µs) | 6.00 | ≥ 5× | yes |",
		"* services=200 on one thread, dense mm: 60 µs\n",
		notesBegin + "\nBy hand.\n" + notesEnd,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

func TestSpeedup(t *testing.T) {
	torch := []float64{10, 20}
	results := []result{
		{Name: "BenchmarkX/threads=1", Threads: 1, Ours: 6, Torch: &torch[0], Rounds: 3},
		{Name: "BenchmarkX/threads=2", Threads: 2, Ours: 4, Torch: &torch[1], Rounds: 3},
		{Name: "BenchmarkY/threads=1", Threads: 1, Ours: 6, Rounds: 3},
		{Name: "BenchmarkY/threads=2", Threads: 2, Ours: 3, Rounds: 3},
	}
	var b strings.Builder
	speedup(&b, results)
	for _, want := range []string{"| BenchmarkX | 1.50 | 0.50 |\n", "| BenchmarkY | 2.00 |  |\n", "flatters us, in: X.\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
	if got := rounds(results); got != "3 rounds" {
		t.Error(got)
	}
	results[0].Rounds = 2
	if got := rounds(results); got != "2 to 3 rounds" {
		t.Error(got)
	}
}

func TestFiles(t *testing.T) {
	g := gemm()
	records := []record{{group: g, c: g.cases[0], setting: "omp 1, blas 1", ours: []float64{10, 20}, torch: []float64{30, 40}},
		{group: g, c: g.cases[1], ours: []float64{5}}}
	f, m := files{root: t.TempDir()}, machine{CPU: "a processor", Cores: 2, Torch: "1"}
	if err := f.write(m, records, resultsOf(records)); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(f.path(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	made := read(reportFile)
	noted := strings.Replace(made, notesBegin, notesBegin+"\nBy hand.", 1)
	if err := os.WriteFile(f.path(reportFile), []byte(noted), 0o644); err != nil {
		t.Fatal(err)
	}
	again, results, err := f.load()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.writeReport(again, results); err != nil {
		t.Fatal(err)
	}
	if got := read(reportFile); got != noted {
		t.Errorf("the report made again is\n%s\ninstead of\n%s", got, noted)
	}
	if got := read(torchFile); !strings.HasSuffix(got, "pkg: presage/model/tensor\n"+
		"BenchmarkGemm/m=200/n=64/threads=1 1 30 ns/op\nBenchmarkGemm/m=200/n=64/threads=1 1 40 ns/op\n") {
		t.Errorf("PyTorch's rounds: %q", got)
	}
	if got := read(resultsFile); !strings.Contains(got, `"torch_ns": null`) || !strings.Contains(got, `"ratio": 2.5`) {
		t.Errorf("results: %s", got)
	}
}
