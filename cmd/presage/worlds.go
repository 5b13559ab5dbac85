package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"presage/replay/generated/worlds"
)

// newWorlds makes and describes the generated worlds that networks are compared on.
func newWorlds() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "worlds",
		Short: "Make the generated worlds that networks are compared on, with their floors",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWorldsMake(), newWorldsDescribe())
	return cmd
}

func newWorldsMake() *cobra.Command {
	var name, out string
	var cpus int
	cmd := &cobra.Command{
		Use:   "make",
		Short: "Simulate a world of 200 services over two weeks and write its slices and floors",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				return misusef("--out: expected a folder")
			}
			w, err := worlds.Named(name)
			if err != nil {
				return misuse{err}
			}
			view := newScreen(cmd.ErrOrStderr())
			defer view.Done()
			err = w.Write(cmd.Context(), out, worlds.Options{Workers: cpus, Progress: func(share float64) {
				view.Progress(fmt.Sprintf("world %s: %.0f %%", name, 100*share))
			}})
			if err != nil {
				return err
			}
			view.Printf("world %s written to %s", name, out)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "A", "world: "+strings.Join(worlds.Names(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "folder for its files")
	cmd.Flags().IntVar(&cpus, "cpus", 0, "threads at most; 0: all")
	return cmd
}

func newWorldsDescribe() *cobra.Command {
	var data string
	cmd := &cobra.Command{
		Use:   "describe",
		Short: "Hold a world's figures against the bounds that it must keep",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if data == "" {
				return misusef("--data: expected the folder of a world")
			}
			d, err := worlds.Open(data)
			if err != nil {
				return err
			}
			f, err := worlds.Describe(cmd.Context(), d)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprint(cmd.OutOrStdout(), f.String()); err != nil {
				return err
			}
			if bad := f.Check(); len(bad) > 0 {
				return fmt.Errorf("the world is out of bounds: %s", strings.Join(bad, "; "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&data, "data", "", "folder of the world")
	return cmd
}
