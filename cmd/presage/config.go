package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"presage/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check a configuration",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "check FILE",
		Short: "Validate a file and print the effective configuration",
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
			out, err := yaml.Marshal(c)
			if err != nil {
				return fmt.Errorf("print configuration: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(out)
			return err
		},
	})
	return cmd
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
