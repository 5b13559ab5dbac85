package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presage/internal/screen"
	"presage/model"
	"presage/model/matrix"
	"presage/windower/slice"
)

// historyFlags say which recorded slices are read: a history, a plain matrix, or a recording that goes through the
// windower first.
type historyFlags struct {
	format          string
	data, adjacency string
	label           string
	width           time.Duration
	zeroMissing     bool
	state, graph    string
	target          string
	input, horizons int
	level           float64
	limit           int64
}

func (f *historyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "history", "history: the slices of --state; matrix: a CSV of series; or a recording's format: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&f.data, "data", "", "the recording; matrix: CSV (or .csv.gz) with a row a time step and a column a series, or a folder with one")
	flags.StringVar(&f.adjacency, "adjacency", "", "matrix: CSV of N rows and columns; may be left out")
	flags.StringVar(&f.label, "name", "", "of the data, in tables (default: from --data)")
	flags.DurationVar(&f.width, "slice", 0, "width of a slice (default: matrix 5m, a recording by its length)")
	flags.BoolVar(&f.zeroMissing, "zero-missing", false, "matrix: zeros are missing values")
	stateFlags(cmd, &f.state, &f.graph)
	flags.StringVar(&f.target, "target", model.ChannelResponseTime, "response_time or requests (not of a matrix)")
	flags.IntVar(&f.input, "input", 12, "steps of input")
	flags.IntVar(&f.horizons, "horizons", 12, "steps ahead")
	flags.Float64Var(&f.level, "level", 0.9, "share that the interval shall hold")
	flags.Int64Var(&f.limit, "limit", 0, "recordings: spans at most; 0: all")
}

// name is the data's in tables.
func (f *historyFlags) name() string {
	switch {
	case f.label != "":
		return f.label
	case f.data != "":
		return strings.TrimSuffix(strings.TrimSuffix(filepath.Base(f.data), ".gz"), ".csv")
	case f.graph != "":
		return f.graph
	}
	return f.format
}

func (f *historyFlags) read(ctx context.Context, view *screen.Screen) ([]*model.Step, model.Task, error) {
	if f.format == "matrix" {
		return f.matrix()
	}
	task, err := model.NewTask(f.target, f.input, f.horizons, f.level)
	if err != nil {
		return nil, task, misuse{err}
	}
	if f.format == "history" {
		steps, err := historySteps(f.state, &f.graph)
		return steps, task, err
	}
	return nil, task, misusef("--format: expected history, matrix or a recording's format, found %q", f.format)
}

func (f *historyFlags) matrix() ([]*model.Step, model.Task, error) {
	if f.data == "" {
		return nil, model.Task{}, misusef("--format matrix needs --data: a CSV of series")
	}
	task := matrix.Task(f.input, f.horizons, []float64{(1 - f.level) / 2, 0.5, (1 + f.level) / 2}, "")
	if err := task.Validate(); err != nil {
		return nil, task, misuse{err}
	}
	width := f.width
	if width == 0 {
		width = 5 * time.Minute
	}
	steps, err := matrix.Open(f.data, f.adjacency, matrix.Options{Width: width, ZeroMissing: f.zeroMissing})
	return steps, task, err
}

// historySteps reads all slices of a state folder's graph.
func historySteps(state string, graph *string) (steps []*model.Step, err error) {
	if *graph, err = pickGraph(state, *graph); err != nil {
		return nil, err
	}
	h, err := slice.ReadHistory(state, *graph)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	snapshots, err := h.Tail(h.Len())
	if err != nil {
		return nil, err
	}
	var stepper model.Stepper
	for _, s := range snapshots {
		steps = append(steps, stepper.Next(s))
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("--state %s: the history of graph %s is empty", state, *graph)
	}
	return steps, nil
}
