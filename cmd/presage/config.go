package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"presage/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration, and see what it asks of Kafka",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		fileCommand("check FILE", "Validate a file and print the effective configuration", func(out io.Writer, c config.Config) error {
			text, err := yaml.Marshal(c)
			if err != nil {
				return fmt.Errorf("print configuration: %w", err)
			}
			_, err = out.Write(text)
			return err
		}),
		fileCommand("topics FILE", "Print the commands that make Presage's own topics, for who makes them by hand", func(out io.Writer, c config.Config) error {
			_, err := fmt.Fprintln(out, strings.Join(topicScript(c), "\n"))
			return err
		}),
	)
	return cmd
}

// fileCommand reads one file, connects to nothing and prints.
func fileCommand(use, short string, show func(io.Writer, config.Config) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return misusef("expected one FILE, found %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadConfig(args[0], nil)
			if err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), c)
		},
	}
}

// settingFlags adds a flag for every setting of the configuration.
func settingFlags(flags *pflag.FlagSet) {
	for _, s := range config.Settings() {
		flags.String(s.Flag(), "", s.Usage+" (file: "+s.Key+", variable: "+s.Variable()+")")
	}
}

// givenSettings are the settings whose flags were given, by key.
func givenSettings(flags *pflag.FlagSet) map[string]string {
	given := map[string]string{}
	for _, s := range config.Settings() {
		if f := flags.Lookup(s.Flag()); f != nil && f.Changed {
			given[s.Key] = f.Value.String()
		}
	}
	return given
}
