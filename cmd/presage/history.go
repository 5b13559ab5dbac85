package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"presage/internal/screen"
	"presage/model/registry"
	"presage/windower/slice"
)

func newHistory() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Get the recorded slices and forecasts out",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var state, graph, table, out string
	export := &cobra.Command{
		Use:   "export",
		Short: "Write nodes, edges or forecasts as Parquet, Arrow or CSV",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return misusef("expected --out FILE, ending in .parquet, .arrow or .csv")
			}
			switch table {
			case "nodes", "edges", "forecasts":
			default:
				return misusef("--table: expected nodes, edges or forecasts, found %q", table)
			}
			graph, err := pickGraph(state, graph)
			if err != nil {
				return err
			}
			h, err := slice.ReadHistory(state, graph)
			if err != nil {
				return err
			}
			rows, err := slice.Export(cmd.Context(), h, table, out)
			if closed := h.Close(); err == nil {
				err = closed
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%s rows of %s written to %s\n", screen.Count(rows), table, out)
			return err
		},
	}
	stateFlags(export, &state, &graph)
	export.Flags().StringVar(&table, "table", "nodes", "nodes, edges or forecasts")
	export.Flags().StringVar(&out, "out", "", "file; its ending says the format: .parquet, .arrow or .csv")
	cmd.AddCommand(export)
	return cmd
}

func newModels() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "models",
		Short: "Look at the trained models",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var state, graph string
	list := &cobra.Command{
		Use:   "list",
		Short: "List the models, newest first, with their scores",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			graph, err := pickGraph(state, graph)
			if err != nil {
				return err
			}
			r, err := registry.Open(state, graph)
			if err != nil {
				return err
			}
			cards, err := r.List()
			rows := [][]string{{"MODEL", "TARGET", "CHAMPION", "WINDOWS", "MAE", "PERSISTENCE"}}
			for _, c := range cards {
				rows = append(rows, modelRow(r, c))
			}
			_, _ = fmt.Fprint(cmd.OutOrStdout(), screen.Align(rows))
			return err
		},
	}
	stateFlags(list, &state, &graph)
	cmd.AddCommand(list)
	return cmd
}

func modelRow(r *registry.Registry, c registry.Card) []string {
	champion := ""
	if v, err := r.Champion(c.Target); err == nil && v == c.Version {
		champion = "yes"
	}
	row := []string{c.Version, c.Target, champion, screen.Count(int64(c.Windows)), "–", "–"}
	for _, s := range c.Scores {
		switch s.Version {
		case c.Version:
			row[4] = screen.Number(s.MAE)
		case "persistence":
			row[5] = screen.Number(s.MAE)
		}
	}
	return row
}

func stateFlags(cmd *cobra.Command, state, graph *string) {
	cmd.Flags().StringVar(state, "state", "./state", "state folder of run or demo")
	cmd.Flags().StringVar(graph, "graph", "", "graph; may be left out where there is one")
}

// pickGraph finds the graph that a command speaks of.
func pickGraph(state, graph string) (string, error) {
	graphs, err := slice.HistoryGraphs(state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("--state: %w", err)
	}
	if len(graphs) == 0 {
		return "", fmt.Errorf("--state %s: expected a state folder of run or demo, found no recorded graph there", state)
	}
	if graph == "" {
		if len(graphs) > 1 {
			return "", misusef("expected --graph: the state folder holds %s", strings.Join(graphs, ", "))
		}
		return graphs[0], nil
	}
	for _, g := range graphs {
		if g == graph {
			return g, nil
		}
	}
	return "", fmt.Errorf("--graph %q: expected one of %s", graph, strings.Join(graphs, ", "))
}
