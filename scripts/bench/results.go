package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// machine is where the figures were made.
type machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Go    string `json:"go"`
	Torch string `json:"torch,omitempty"`
	BLAS  string `json:"blas,omitempty"`
}

// result is one case as bench-results.json has it; PyTorch's fields are null without it.
type result struct {
	Name     string   `json:"name"`
	Services int      `json:"services"`
	Threads  int      `json:"threads"`
	Ours     float64  `json:"ours_ns"`
	Torch    *float64 `json:"torch_ns"`
	Ratio    *float64 `json:"ratio"`

	OursLow   float64  `json:"ours_low_ns"`
	OursHigh  float64  `json:"ours_high_ns"`
	TorchLow  *float64 `json:"torch_low_ns"`
	TorchHigh *float64 `json:"torch_high_ns"`
	Setting   string   `json:"torch_setting,omitempty"`
	Rounds    int      `json:"rounds"`

	Info map[string]float64 `json:"torch_info_ns,omitempty"` // other ways, that are no baseline
}

func resultsOf(records []record) []result {
	var out []result
	for _, r := range records {
		v := result{Name: r.c.name(r.group), Services: r.c.services, Threads: r.c.threads, Rounds: len(r.ours),
			Ours: median(r.ours), OursLow: slices.Min(r.ours), OursHigh: slices.Max(r.ours), Setting: r.setting, Info: r.info}
		if len(r.torch) > 0 {
			m, ratio, low, high := median(r.torch), median(r.ratios()), slices.Min(r.torch), slices.Max(r.torch)
			v.Torch, v.Ratio, v.TorchLow, v.TorchHigh = &m, &ratio, &low, &high
		}
		out = append(out, v)
	}
	return out
}

// thisMachine asks the system.
func thisMachine() machine {
	m := machine{CPU: "unknown processor", Cores: runtime.NumCPU(), Go: strings.TrimPrefix(runtime.Version(), "go")}
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m // not Linux: the figures stand without the name
	}
	model, family := "", ""
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "model name":
			model = strings.TrimSpace(value)
		case "cpu family":
			family = " family " + strings.TrimSpace(value)
		case "model":
			family += " model " + strings.TrimSpace(value)
		case "flags":
			if strings.Contains(value, " avx512f ") {
				family += ", AVX-512"
			}
		case "":
			m.CPU = model + family
			return m
		}
	}
	return m
}

// files are what a run leaves behind, under a root.
type files struct{ root string }

func (f files) path(name string) string { return filepath.Join(f.root, filepath.FromSlash(name)) }

// The files' places.
const (
	resultsFile = "bench-results.json"
	machineFile = "docs/bench/machine.json"
	oursFile    = "docs/bench/ours.txt"
	torchFile   = "docs/bench/torch.txt"
	reportFile  = "docs/performance.md"
)

// write stores results, benchstat files and the report.
func (f files) write(m machine, records []record, results []result) error {
	if err := os.MkdirAll(f.path("docs/bench"), 0o755); err != nil {
		return fmt.Errorf("folder for results: %w", err)
	}
	for name, v := range map[string]any{resultsFile: results, machineFile: m} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(f.path(name), append(text, '\n'), 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	for name, times := range map[string]func(record) []float64{
		oursFile:  func(r record) []float64 { return r.ours },
		torchFile: func(r record) []float64 { return r.torch },
	} {
		if err := os.WriteFile(f.path(name), []byte(benchstat(m, records, times)), 0o644); err != nil {
			return fmt.Errorf("write rounds: %w", err)
		}
	}
	return f.writeReport(m, results)
}

// benchstat writes rounds as the testing package does.
func benchstat(m machine, records []record, times func(record) []float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "goos: %s\ngoarch: %s\ncpu: %s\n", runtime.GOOS, runtime.GOARCH, m.CPU)
	pkg := ""
	for _, r := range records {
		if r.group.pkg != pkg {
			pkg = r.group.pkg
			fmt.Fprintf(&b, "pkg: presage%s\n", strings.TrimPrefix(pkg, "."))
		}
		for _, ns := range times(r) {
			fmt.Fprintf(&b, "%s 1 %.0f ns/op\n", r.c.name(r.group), ns)
		}
	}
	return b.String()
}

// load reads what a run wrote.
func (f files) load() (m machine, results []result, err error) {
	for name, into := range map[string]any{resultsFile: &results, machineFile: &m} {
		text, err := os.ReadFile(f.path(name))
		if err != nil {
			return m, nil, fmt.Errorf("results of a run: %w", err)
		}
		if err := json.Unmarshal(text, into); err != nil {
			return m, nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return m, results, nil
}

// writeReport makes the report, and keeps the notes that a person wrote in it.
func (f files) writeReport(m machine, results []result) error {
	old, err := os.ReadFile(f.path(reportFile))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("notes of the report: %w", err)
	}
	if err := os.WriteFile(f.path(reportFile), []byte(report(m, results, notesOf(string(old)))), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
