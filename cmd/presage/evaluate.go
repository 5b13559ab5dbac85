package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"presage/internal/screen"
	"presage/model"
	"presage/model/catalog"
	"presage/model/evaluation"
	"presage/model/evaluation/study"
	"presage/model/stgnn"
)

// evaluateFlags say what is compared on what.
type evaluateFlags struct {
	historyFlags
	methods   []string
	hero      string
	seeds     int
	firstSeed uint64
	epochs    int
	budget    time.Duration
	stride    int
	bySegment bool
	valid     float64
	test      float64
	cpus      int
	first     float64
	finished  bool
	out       string

	minutes []int     // of windows
	bounds  []float64 // of load
	held    float64   // of unseen
}

func newEvaluate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evaluate",
		Short: "Measure forecasters against each other on recorded slices",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, x := range experiments() {
		var f evaluateFlags
		sub := &cobra.Command{
			Use: x.use, Short: x.short, Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return f.run(cmd.Context(), x, cmd.OutOrStdout(), cmd.ErrOrStderr())
			},
		}
		f.add(sub)
		if x.flags != nil {
			x.flags(sub, &f)
		}
		cmd.AddCommand(sub)
	}
	return cmd
}

func (f *evaluateFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.historyFlags.add(cmd)
	flags.StringSliceVar(&f.methods, "methods", []string{"all"}, "methods, by name or name/protocol; all: every one")
	flags.StringVar(&f.hero, "hero", "stgnn", "the method that all others are compared with")
	flags.IntVar(&f.seeds, "seeds", 1, "number of seeds of methods that draw random numbers")
	flags.Uint64Var(&f.firstSeed, "first-seed", 1, "the first of them")
	flags.IntVar(&f.epochs, "epochs", 0, "upper bound of every training; 0: the methods' own")
	flags.DurationVar(&f.budget, "time-budget", 30*time.Minute, "of one training; what it cuts short is marked; 0: none")
	flags.IntVar(&f.stride, "stride", 1, "slices between two scored windows")
	flags.BoolVar(&f.bySegment, "by-segment", false, "cut the parts between segments (fault windows) only")
	flags.Float64Var(&f.valid, "valid", 0.1, "share of the windows to stop and select by")
	flags.Float64Var(&f.test, "test", 0.2, "share of the windows to score on, the last ones")
	flags.Float64Var(&f.first, "first", 1, "share of the history that is used, from its beginning: choices are made without the part that is kept for the last test")
	flags.BoolVar(&f.finished, "finished", false, "make tables and plots of the finished methods alone: train nothing")
	flags.IntVar(&f.cpus, "cpus", 0, "threads at most; 0: all")
	flags.StringVar(&f.out, "out", "", "folder for results.json, table.md, plots and finished records")
}

func (f *evaluateFlags) run(ctx context.Context, x experiment, out, progress io.Writer) error {
	if f.out == "" {
		return misusef("--out: expected a folder for the results")
	}
	if f.seeds < 1 || f.stride < 1 || f.epochs < 0 || f.budget < 0 {
		return misusef("--seeds and --stride: expected at least 1; --epochs and --time-budget: expected no negative value")
	}
	if f.valid <= 0 || f.test <= 0 || f.valid+f.test >= 1 {
		return misusef("--valid and --test: expected shares above 0 that leave something to learn from, found %g and %g", f.valid, f.test)
	}
	if f.first <= 0 || f.first > 1 {
		return misusef("--first: expected a share above 0 and at most 1, found %g", f.first)
	}
	view := newScreen(progress)
	defer view.Done()
	steps, task, err := f.read(ctx, view)
	if err != nil {
		return err
	}
	steps = steps[:int(f.first*float64(len(steps)))]
	view.Printf("%s: %d slices of up to %d services", f.name(), len(steps), most(steps))
	workers := newPool(f.cpus)
	defer workers.Close()
	s := &study.Study{
		Out: f.out, Hero: f.hero, Epochs: f.epochs, Budget: f.budget, Finished: f.finished, Now: time.Now, Command: f.command(x.use),
		Progress: func(p study.Progress) { show(view, p, task.Unit) },
	}
	for k := range f.seeds {
		s.Seeds = append(s.Seeds, f.firstSeed+uint64(k))
	}
	if s.Methods, err = catalog.Pick(x.methods(f.scaling(), workers.Urgent()), f.methods); err != nil {
		return misuse{err}
	}
	d := evaluation.Data{
		Name: f.name(), Steps: steps, Task: task, Valid: f.valid, Test: f.test, BySegment: f.bySegment, Stride: f.stride,
		Floors: f.floors,
	}
	text, err := x.run(ctx, f, s, d)
	view.Done()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\nwritten to %s\n", text, f.out)
	return err
}

// command is what makes the results again; folders by their last names.
func (f *evaluateFlags) command(use string) string {
	args := []string{"presage", "evaluate", use}
	place := slices.Index(os.Args, use)
	for k := place + 1; place > 0 && k < len(os.Args); k++ {
		a := os.Args[k]
		switch os.Args[k-1] {
		case "--data", "--adjacency", "--out", "--state":
			a = filepath.Base(a)
		}
		if strings.Contains(a, " ") {
			a = strconv.Quote(a)
		}
		args = append(args, a)
	}
	return strings.Join(args, " ")
}

// scaling of the networks: like series share a scale.
func (f *evaluateFlags) scaling() string {
	if f.format == "matrix" {
		return stgnn.ScalePooled
	}
	return stgnn.ScalePerService
}

func most(steps []*model.Step) int {
	n := 0
	for _, s := range steps {
		n = max(n, len(s.Services))
	}
	return n
}

// show tells how far a study is.
func show(view *screen.Screen, p study.Progress, unit string) {
	where := fmt.Sprintf("%d of %d  %s seed %d", p.Done, p.Of, p.Method, p.Seed)
	if p.Part != "" {
		where = p.Part + "  " + where
	}
	switch {
	case p.Err != nil:
		view.Printf("%s  left out: %v", where, p.Err)
	case p.Read:
		view.Printf("%s  read back", where)
	case p.Finished:
		view.Printf("%s  done: validation error %s %s, best of %d epochs, %s", where, screen.Number(p.Fit.ValidError), unit, p.Fit.Epoch, p.Since.Round(time.Second))
	case p.Fit.Epoch > 0:
		view.Progress(fmt.Sprintf("%s  epoch %d of %d  loss %.4f  validation error %s %s  %s, %s left at most", where, p.Fit.Epoch, p.Fit.Epochs,
			p.Fit.TrainLoss, screen.Number(p.Fit.ValidError), unit, p.Since.Round(time.Second), p.Left.Round(time.Second)))
	default:
		view.Progress(where)
	}
}
