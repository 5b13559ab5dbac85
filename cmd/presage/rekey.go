package main

import (
	"errors"

	"github.com/spf13/cobra"

	"presage/internal/config"
)

func newRekey() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "rekey",
		Short: "Copy spans that are not keyed by trace id into topics that are",
		Long: "rekey copies the spans topics of all graphs with rekey: true, split by trace id, into topics of the same name with\n" +
			config.RekeyedSuffix + " behind, which the windowers of these graphs read. `presage run` does it too (role all); rekey does nothing else.\n" +
			"Any number of processes share the work.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			asked, stop := hangups()
			defer stop()
			given := givenSettings(cmd.Flags())
			load := func() (settings, error) {
				s, err := loadSettings(file, given)
				if err == nil && len(rekeyings(s.Config)) == 0 {
					err = errors.New("there is nothing to re-key: expected a graph with rekey: true (graphs[].rekey), found none")
				}
				return s, err
			}
			return run(cmd.Context(), load, asked, roleRekey, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "configuration file (see presage.example.yaml)")
	settingFlags(cmd.Flags())
	return cmd
}

// rekeying is a topic of spans that is copied.
type rekeying struct {
	graph    config.Graph
	from, to string
}

// rekeyings lists what is copied for the graphs of a configuration.
func rekeyings(c config.Config) (all []rekeying) {
	for _, g := range c.Graphs {
		if !g.Rekey {
			continue
		}
		for i, to := range g.SpanTopics() {
			all = append(all, rekeying{g, g.Spans[i], to})
		}
	}
	return all
}
