package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"presage/internal/config"
)

// given is a command line of compose.yaml or of the Kubernetes manifests, with its variables.
type given struct {
	where     string
	args      []string
	variables []string
}

// composed are the command lines of compose.yaml's Presage services, with their health checks. What is ${VARIABLE:-default}
// there is its default.
func composed(t *testing.T) (out []given) {
	t.Helper()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			Command     any
			Environment map[string]string
			HealthCheck struct{ Test []string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for name, s := range file.Services {
		if !strings.HasPrefix(s.Image, "presage:") {
			continue
		}
		g := given{where: "compose.yaml, " + name}
		for _, word := range s.Command.([]any) {
			g.args = append(g.args, defaults(word.(string)))
		}
		for variable := range s.Environment {
			g.variables = append(g.variables, variable)
		}
		out = append(out, g)
		if test := s.HealthCheck.Test; len(test) > 0 {
			if !slices.Equal(test[:2], []string{"CMD", "/presage"}) {
				t.Errorf("%s: expected a health check by the binary, found %q", g.where, test)
			}
			out = append(out, given{where: g.where + ", health check", args: test[2:]})
		}
	}
	return out
}

// defaults puts the default of ${VARIABLE:-default} in its place.
func defaults(text string) string {
	before, rest, ok := strings.Cut(text, "${")
	if !ok {
		return text
	}
	inner, after, _ := strings.Cut(rest, "}")
	_, value, _ := strings.Cut(inner, ":-")
	return before + value + defaults(after)
}

// clustered are the command lines of the Kubernetes manifests.
func clustered(t *testing.T) (out []given) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"*.yaml", "optional/*.yaml"} {
		found, err := filepath.Glob("../../deploy/kubernetes/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		documents := yaml.NewDecoder(bytes.NewReader(text))
		for {
			var d struct {
				Spec struct {
					Template struct {
						Spec struct {
							Containers []struct {
								Args []string
								Env  []struct{ Name string }
							}
						}
					}
				}
			}
			if err := documents.Decode(&d); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for _, c := range d.Spec.Template.Spec.Containers {
				g := given{where: path, args: c.Args}
				for _, e := range c.Env {
					g.variables = append(g.variables, e.Name)
				}
				out = append(out, g)
			}
		}
	}
	return out
}

// Every command line that is shipped is one that there is, and every variable is read by somebody.
func TestShippedCommandLines(t *testing.T) {
	all := append(composed(t), clustered(t)...)
	var commands []string
	for _, g := range all {
		cmd, rest, err := newRoot().Find(g.args)
		if err != nil {
			t.Errorf("%s: %v", g.where, err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: presage %q: %v", g.where, g.args, err)
			continue
		}
		if left := cmd.Flags().Args(); len(left) > 0 {
			t.Errorf("%s: presage %s takes no %q", g.where, cmd.Name(), left)
		}
		commands = append(commands, cmd.Name())
		if role := cmd.Flags().Lookup("role"); role != nil && !slices.Contains([]string{roleAll, roleWindower, roleForecaster}, role.Value.String()) {
			t.Errorf("%s: role %s", g.where, role.Value)
		}
		for _, name := range g.variables {
			if strings.HasPrefix(name, "PRESAGE_") && !known(cmd.Flags(), name) {
				t.Errorf("%s: presage %s knows no variable %s", g.where, cmd.Name(), name)
			}
		}
	}
	slices.Sort(commands)
	if want := []string{"health", "rekey", "replay", "run", "run", "run"}; !slices.Equal(commands, want) {
		t.Errorf("commands %q, want %q", commands, want)
	}
}

// known says whether a command reads a variable: for a flag, for the configuration, or for the password.
func known(flags *pflag.FlagSet, variable string) bool {
	if variable == "PRESAGE_SASL_PASSWORD" {
		return true
	}
	if flags.Lookup(strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(variable, "PRESAGE_")), "_", "-")) != nil {
		return true
	}
	return slices.ContainsFunc(config.Settings(), func(s config.Setting) bool { return s.Variable() == variable })
}
