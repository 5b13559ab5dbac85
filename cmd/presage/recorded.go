package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presage/internal/aggregates"
	"presage/internal/screen"
	"presage/internal/simulated"
	"presage/internal/summary"
	"presage/model"
	"presage/model/evaluation"
	"presage/model/matrix"
	"presage/replay/generated/worlds"
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
	source          sourceFlags
	floors          []evaluation.Floor // of a generated world
}

func (f *historyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "history", "history: the slices of --state; matrix: a CSV of series; world: a generated world; edges: a CSV of calls by slice and edge; petshop: the PetShop data set; or a recording's format: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&f.data, "data", "", "the recording; matrix: CSV (or .csv.gz) with a row a time step and a column a series, or a folder of it and its adjacency")
	flags.StringVar(&f.adjacency, "adjacency", "", "matrix: CSV of N rows and columns; may be left out")
	flags.StringVar(&f.label, "name", "", "of the data, in tables (default: from --data)")
	flags.DurationVar(&f.width, "slice", 0, "width of a slice (default: matrix 5m, a recording by its length)")
	flags.BoolVar(&f.zeroMissing, "zero-missing", false, "matrix: zeros are missing values")
	stateFlags(cmd, &f.state, &f.graph)
	flags.StringVar(&f.target, "target", model.ChannelResponseTime, "response_time or requests (not of a matrix)")
	flags.IntVar(&f.input, "input", 12, "steps of input")
	flags.IntVar(&f.horizons, "horizons", 12, "steps ahead")
	flags.Float64Var(&f.level, "level", 0.9, "share that the interval shall hold")
	flags.StringVar(&f.source.epoch, "epoch", "2020-01-06T00:00:00Z", "the instant that a recording's zero stands for, where its clock starts at zero")
	flags.IntVar(&f.source.services, "services", 30, "generated: number of services")
	flags.Float64Var(&f.source.hours, "hours", 1, "generated: length in hours")
	flags.Float64Var(&f.source.rate, "rate", 600, "generated: mean number of spans a second")
	flags.Uint64Var(&f.source.seed, "seed", 1, "generated: seed")
	f.source.addColumns(flags)
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
	if f.format == "world" {
		if f.data == "" {
			return nil, task, misusef("--format world needs --data: a folder that presage worlds make wrote")
		}
		d, err := worlds.Open(f.data)
		if err != nil {
			return nil, task, err
		}
		f.floors = simulated.Floors(d)
		return simulated.Steps(d), task, nil
	}
	if read, ok := map[string]func(string) ([]*model.Step, error){
		"edges": func(path string) ([]*model.Step, error) {
			return aggregates.Edges(path, aggregates.EdgeOptions{Width: f.width})
		},
		"petshop": aggregates.PetShop,
	}[f.format]; ok {
		if f.data == "" {
			return nil, task, misusef("--format %s needs --data", f.format)
		}
		steps, err := read(f.data)
		return steps, task, err
	}
	if f.format == "history" {
		steps, err := historySteps(f.state, &f.graph)
		return steps, task, err
	}
	steps, err := f.recording(ctx, view)
	return steps, task, err
}

// recording replays a recording onto an embedded broker and through the windower, without a network, and reads
// the slices that came of it.
func (f *historyFlags) recording(ctx context.Context, view *screen.Screen) (steps []*model.Step, err error) {
	f.source.format, f.source.data = f.format, f.data
	open, err := f.source.opener()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "presage-evaluate-")
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demo{
		demoFlags: &demoFlags{source: f.source, state: dir, slice: f.width, limit: f.limit, http: "127.0.0.1:0", log: "warn"},
		view:      view, open: open, recording: true, network: noNetwork, begun: time.Now(), collector: summary.New(time.Now),
	}
	d.end.Store(-1)
	if err := d.all(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	graph := ""
	return historySteps(dir, &graph)
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
	series, adjacency, err := matrix.Find(f.data)
	if err != nil {
		return nil, task, err
	}
	if f.adjacency != "" {
		adjacency = f.adjacency
	}
	steps, err := matrix.Open(series, adjacency, matrix.Options{Width: width, ZeroMissing: f.zeroMissing})
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
