package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"presage/internal/screen"
	"presage/model"
	"presage/model/baseline"
	"presage/model/matrix"
	"presage/model/registry"
	"presage/model/stgnn"
	"presage/model/tensor/pool"
	"presage/model/trial"
)

// trainFlags say what is trained on what.
type trainFlags struct {
	format          string
	data, adjacency string
	width           time.Duration
	zeroMissing     bool
	state, graph    string
	target          string
	mode            string
	input, horizons int
	valid, test     float64
	seed            uint64
	epochs          int
	level           float64
	cpus            int
	out             string
}

func newTrain() *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train",
		Short: "Train on recorded slices or on a plain matrix, and score on what comes after",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "history", "history: the slices of --state; matrix: a CSV of series")
	flags.StringVar(&f.data, "data", "", "matrix: CSV (or .csv.gz) with a row a time step and a column a series")
	flags.StringVar(&f.adjacency, "adjacency", "", "matrix: CSV of N rows and columns; may be left out")
	flags.DurationVar(&f.width, "slice", 5*time.Minute, "matrix: time between two rows")
	flags.BoolVar(&f.zeroMissing, "zero-missing", false, "matrix: zeros are missing values")
	stateFlags(cmd, &f.state, &f.graph)
	flags.StringVar(&f.target, "target", model.ChannelResponseTime, "history: response_time or requests")
	flags.StringVar(&f.mode, "mode", stgnn.ModeDefault, "default, or paper: the published equations and nothing else")
	flags.IntVar(&f.input, "input", 12, "steps of input")
	flags.IntVar(&f.horizons, "horizons", 12, "steps ahead")
	flags.Float64Var(&f.valid, "valid", 0.1, "share of the windows to stop by")
	flags.Float64Var(&f.test, "test", 0.2, "share of the windows to score on, the last ones")
	flags.Float64Var(&f.level, "level", 0.9, "share that the interval shall hold")
	flags.Uint64Var(&f.seed, "seed", 1, "seed")
	flags.IntVar(&f.epochs, "epochs", 0, "upper bound of the training; 0: the network's own")
	flags.IntVar(&f.cpus, "cpus", 0, "threads at most; 0: all")
	flags.StringVar(&f.out, "out", "", "folder for the trained model (default: the state folder for history, none for matrix)")
	return cmd
}

func (f *trainFlags) run(ctx context.Context, out, progress io.Writer) error {
	steps, task, err := f.read()
	if err != nil {
		return err
	}
	view := newScreen(progress)
	view.Printf("%d steps of %d series", len(steps), len(steps[len(steps)-1].Services))
	workers := newPool(f.cpus)
	defer workers.Close()
	begun := time.Now()
	outcome, err := trial.Run(ctx, steps, task, f.methods(workers.Urgent()), trial.Options{
		Valid: f.valid, Test: f.test, Level: f.level, Seed: f.seed, Epochs: f.epochs,
		Progress: func(method string, p model.FitProgress) {
			view.Progress(fmt.Sprintf("%s  epoch %d of %d  loss %.4f  validation error %s %s  %s",
				method, p.Epoch, p.Epochs, p.TrainLoss, screen.Number(p.ValidError), task.Unit, time.Since(begun).Round(time.Second)))
		},
	})
	view.Done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(out, trainTable(outcome, task))
	if err != nil {
		return err
	}
	return f.save(outcome, task, view)
}

// methods are persistence and the network: the last one is what is trained.
func (f *trainFlags) methods(lane *pool.Lane) []model.Method {
	return []model.Method{
		{Name: baseline.Persistence, New: baseline.NewPersistence},
		{Name: "stgnn", New: func(t model.Task) (model.Forecaster, error) {
			cfg := stgnn.Config{Mode: f.mode}
			if f.format == "matrix" {
				cfg.Scaling = stgnn.ScalePooled
			}
			return stgnn.New(t, cfg, lane)
		}},
	}
}

func (f *trainFlags) read() ([]*model.Step, model.Task, error) {
	levels := []float64{(1 - f.level) / 2, 0.5, (1 + f.level) / 2}
	switch f.format {
	case "matrix":
		if f.data == "" {
			return nil, model.Task{}, misusef("--format matrix needs --data: a CSV of series")
		}
		task := matrix.Task(f.input, f.horizons, levels, "")
		if err := task.Validate(); err != nil {
			return nil, task, misuse{err}
		}
		steps, err := matrix.Open(f.data, f.adjacency, matrix.Options{Width: f.width, ZeroMissing: f.zeroMissing})
		return steps, task, err
	case "history":
		task, err := model.NewTask(f.target, f.input, f.horizons, f.level)
		if err != nil {
			return nil, task, misuse{err}
		}
		steps, err := historySteps(f.state, &f.graph)
		return steps, task, err
	}
	return nil, model.Task{}, misusef("--format: expected history or matrix, found %q", f.format)
}

// trainTable shows the errors at each horizon.
func trainTable(o trial.Outcome, task model.Task) string {
	text := fmt.Sprintf("windows: %d to learn from, %d to stop by, %d to score on; errors in the target's unit, at the step\n",
		o.TrainWindows, o.ValidWindows, o.TestWindows)
	rows := [][]string{{"METHOD", "STEP", "MAE", "RMSE", "R2 (MEDIAN)", "R2 (POOLED)", "COVERAGE", "WIDTH", "WINKLER"}}
	for _, r := range o.Results {
		for h, s := range r.Horizons {
			if !shown(h+1, task.Horizons) {
				continue
			}
			rows = append(rows, []string{
				r.Method, fmt.Sprint(h + 1), screen.Number(s.MAE), screen.Number(s.RMSE), screen.Number(s.R2Median),
				screen.Number(s.R2Pooled), screen.Number(s.Coverage), screen.Number(s.Width), screen.Number(s.Winkler),
			})
		}
	}
	last := o.Results[len(o.Results)-1]
	return text + screen.Align(rows) + fmt.Sprintf("%s: %s parameters, best epoch %d of %d\n",
		last.Method, screen.Count(int64(last.Report.Parameters)), last.Report.BestEpoch, last.Report.Epochs)
}

// shown picks the steps of a table: the first, the last, and multiples of three.
func shown(step, last int) bool { return step == 1 || step == last || step%3 == 0 }

// save stores the network, where a folder is named or there is a state folder.
func (f *trainFlags) save(o trial.Outcome, task model.Task, view *screen.Screen) error {
	dir, graph := f.out, f.graph
	if dir == "" {
		if f.format == "matrix" {
			return nil
		}
		dir = f.state
	}
	if graph == "" {
		graph = "matrix"
	}
	r, err := registry.Open(dir, graph)
	if err != nil {
		return err
	}
	trained := o.Results[len(o.Results)-1]
	version := model.Version(trained.Method, time.Now().UnixNano(), trained.State)
	card := registry.Card{
		Version: version, Method: trained.Method, Graph: graph, Target: task.Channels[task.Target], Task: task,
		Seed: f.seed, FromMs: o.From / 1e6, ToMs: o.To / 1e6, Windows: trained.Report.Windows,
		Parameters: trained.Report.Parameters, Epochs: trained.Report.Epochs, BestEpoch: trained.Report.BestEpoch,
		ValidError: &trained.Report.ValidError, Libraries: registry.Libraries(),
	}
	for _, res := range o.Results {
		name := res.Method
		if name == trained.Method {
			name = version
		}
		card.Scores = append(card.Scores, meanScore(name, res.Horizons))
	}
	if err := r.Save(card, trained.State); err != nil {
		return err
	}
	view.Printf("model %s saved under %s; `run` does not use it until it wins a comparison there", version, dir)
	return nil
}

func meanScore(name string, horizons []model.Score) registry.Score {
	s := registry.Score{Version: name}
	for _, h := range horizons {
		s.Points += int64(h.Points)
		s.MAE += h.MAE * float64(h.Points)
	}
	if s.Points > 0 {
		s.MAE /= float64(s.Points)
	}
	return s
}
