package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"presage/model/catalog"
	"presage/model/evaluation"
	"presage/model/evaluation/study"
	"presage/model/tensor/pool"
)

// experiment is a subcommand of evaluate.
type experiment struct {
	use, short string
	flags      func(cmd *cobra.Command, f *evaluateFlags) // of its own; nil: none
	// methods are those that --methods picks from.
	methods func(scaling string, lane *pool.Lane) []evaluation.Method
	run     func(ctx context.Context, f *evaluateFlags, s *study.Study, d evaluation.Data) (shown string, err error)
}

func experiments() []experiment {
	return []experiment{
		{use: "compare", short: "All methods on the same points: the paper's Table 1 and every baseline", methods: catalog.Compared, run: compare},
		{
			use: "windows", short: "Time windows, the paper's Figure 2: minutes of input, and width of a slice", methods: catalog.Compared, run: windows,
			flags: func(cmd *cobra.Command, f *evaluateFlags) {
				cmd.Flags().IntSliceVar(&f.minutes, "minutes", []int{5, 10, 15, 20, 25, 30, 45, 60}, "time windows")
			},
		},
		{
			use: "load", short: "Classes of load, the paper's Figure 3, and utilisation", methods: catalog.Compared, run: load,
			flags: func(cmd *cobra.Command, f *evaluateFlags) {
				cmd.Flags().Float64SliceVar(&f.bounds, "load-classes", []float64{1000, 2500, 5000, 8000}, "upper bounds of Low, Medium, High and Very High, requests a second")
			},
		},
		{use: "ablation", short: "What each part of STGNN is worth", methods: catalog.Ablation, run: compare},
		{use: "horizons", short: "Errors at every step", methods: catalog.Compared, run: horizons},
		{
			use: "unseen", short: "Services that training never saw", methods: catalog.Compared, run: unseen,
			flags: func(cmd *cobra.Command, f *evaluateFlags) {
				cmd.Flags().Float64Var(&f.held, "held-out", 0.25, "share of the services that training does not see")
			},
		},
	}
}

func compare(ctx context.Context, _ *evaluateFlags, s *study.Study, d evaluation.Data) (string, error) {
	r, err := s.Compare(ctx, d)
	if err != nil {
		return "", err
	}
	return markdown(r, study.Steps(d.Task.Horizons))
}

func horizons(ctx context.Context, _ *evaluateFlags, s *study.Study, d evaluation.Data) (string, error) {
	all := make([]int, d.Task.Horizons)
	for h := range all {
		all[h] = h + 1
	}
	s.Steps = all
	r, err := s.Compare(ctx, d)
	if err != nil {
		return "", err
	}
	return markdown(r, all)
}

func markdown(r evaluation.Results, steps []int) (string, error) {
	var b strings.Builder
	err := r.Markdown(&b, steps)
	return b.String(), err
}

func windows(ctx context.Context, f *evaluateFlags, s *study.Study, d evaluation.Data) (string, error) {
	for _, m := range f.minutes {
		if m < 1 {
			return "", misusef("--minutes: expected minutes above zero, found %d", m)
		}
	}
	r, err := s.Windows(ctx, d, f.minutes)
	return r.Markdown(), err
}

func load(ctx context.Context, f *evaluateFlags, s *study.Study, d evaluation.Data) (string, error) {
	r, err := s.Load(ctx, d, f.bounds)
	return r.Markdown(), err
}

func unseen(ctx context.Context, f *evaluateFlags, s *study.Study, d evaluation.Data) (string, error) {
	if f.held <= 0 || f.held >= 1 {
		return "", misusef("--held-out: expected a share between 0 and 1, found %g", f.held)
	}
	held, others, err := s.Unseen(ctx, d, f.held)
	if err != nil {
		return "", err
	}
	steps := study.Steps(d.Task.Horizons)
	a, err := markdown(held, steps)
	if err != nil {
		return "", err
	}
	b, err := markdown(others, steps)
	return fmt.Sprintf("%s\n\n%s\n%s\n\n%s", held.Data, a, others.Data, b), err
}
