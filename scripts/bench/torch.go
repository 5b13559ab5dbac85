package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

const serverScript = "scripts/bench/torch_side.py"

// setting is how threads are split between PyTorch's own pool and its BLAS.
type setting struct{ omp, blas int }

func (s setting) String() string { return fmt.Sprintf("omp %d, blas %d", s.omp, s.blas) }

// settings lists the candidates for a number of threads.
func settings(threads int) []setting {
	if threads == 1 {
		return []setting{{1, 1}}
	}
	return []setting{{threads, 1}, {1, threads}, {threads, threads}}
}

// torchSide is a Python process that times PyTorch's cases in one setting.
type torchSide struct {
	setting setting
	about   about
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	errors  *bytes.Buffer // what Python says to standard error
}

// about is what a server says of itself.
type about struct {
	Torch   string `json:"torch"`
	BLAS    string `json:"blas"`
	Threads [2]int `json:"threads"` // of PyTorch's pool, of its BLAS
	Vectors string `json:"vectors"`
}

type request struct {
	Case      string    `json:"case,omitempty"`
	MinTime   float64   `json:"min_time_s,omitempty"`
	Way       string    `json:"way,omitempty"`
	Calibrate *[]string `json:"calibrate,omitempty"` // the ways to try; empty: all
	Drop      string    `json:"drop,omitempty"`
}

type answer struct {
	NS    float64            `json:"ns"`
	Way   string             `json:"way"`
	Ways  map[string]float64 `json:"ways"`
	Error string             `json:"error"`
}

// information are the ways that are timed, but are no baseline.
func (a answer) information() map[string]float64 {
	found := map[string]float64{}
	for way, ns := range a.Ways {
		if name, ok := strings.CutPrefix(way, "info: "); ok {
			found[name] = ns
		}
	}
	return found
}

func startTorch(ctx context.Context, python string, s setting) (*torchSide, error) {
	t := &torchSide{setting: s, errors: new(bytes.Buffer)}
	t.cmd = exec.CommandContext(ctx, python, serverScript, "--threads", fmt.Sprint(s.omp))
	for _, v := range os.Environ() {
		// What was set to choose or count OpenBLAS's cores or OpenMP's threads is not for here.
		if !strings.HasPrefix(v, "OPENBLAS_") && !strings.HasPrefix(v, "OMP_") {
			t.cmd.Env = append(t.cmd.Env, v)
		}
	}
	t.cmd.Env = append(t.cmd.Env, "PYTHONDONTWRITEBYTECODE=1",
		fmt.Sprintf("OMP_NUM_THREADS=%d", s.omp), fmt.Sprintf("OPENBLAS_NUM_THREADS=%d", s.blas))
	t.cmd.Stderr = t.errors
	in, err := t.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start Python: %w", err)
	}
	out, err := t.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start Python: %w", err)
	}
	if err := t.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start Python: %w", err)
	}
	t.in, t.out = in, bufio.NewReader(out)
	if err := t.read(&t.about); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if got := t.about.Threads; got[0] != s.omp || t.about.BLAS != "" && got[1] != s.blas {
		return nil, errors.Join(fmt.Errorf("PyTorch runs on %v threads instead of %v", got, s), t.close())
	}
	return t, nil
}

// ask sends a request and waits for its answer.
func (t *torchSide) ask(r request) (answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, fmt.Errorf("request to PyTorch: %w", err)
	}
	if _, err := t.in.Write(append(line, '\n')); err != nil {
		return answer{}, t.ended(err)
	}
	var a answer
	if err := t.read(&a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, fmt.Errorf("PyTorch, %s: %s", r.Case, a.Error)
	}
	return a, nil
}

var errEnded = errors.New("PyTorch's side ended")

// ended is the error of a process that is no more: how it ended and its last words.
func (t *torchSide) ended(err error) error {
	_ = t.cmd.Wait() // ends the copying of standard error; how it ended is in ProcessState
	said := strings.Split(strings.TrimSpace(t.errors.String()), "\n")
	return fmt.Errorf("%w (%s): %s: %w", errEnded, t.cmd.ProcessState, said[len(said)-1], err)
}

// read decodes a line.
func (t *torchSide) read(into any) error {
	line, err := t.out.ReadBytes('\n')
	if err != nil {
		return t.ended(err)
	}
	if err := json.Unmarshal(line, into); err != nil {
		return fmt.Errorf("PyTorch's answer %q: %w", line, err)
	}
	return nil
}

// close ends the process.
func (t *torchSide) close() error {
	if err := t.in.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("end PyTorch's side: %w", err)
	}
	_ = t.cmd.Wait() // fails where it was waited for
	return nil
}
