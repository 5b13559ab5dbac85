package config

import (
	"fmt"
	"strconv"
	"strings"
)

// Setting is a key that variables and flags can override.
type Setting struct {
	Key   string // as in the file, dots between levels; graph.* applies to every graph
	Usage string
	set   func(*Config, string) error
}

// Flag is the setting's flag, without the dashes.
func (s Setting) Flag() string { return flagName(s.Key) }

// Variable is the setting's environment variable.
func (s Setting) Variable() string { return variableName(s.Key) }

// Settings lists what can be overridden, in the order of the help text.
func Settings() []Setting {
	return []Setting{
		{"brokers", "Kafka brokers, comma-separated", func(c *Config, v string) error {
			c.Kafka.Brokers = list(v)
			return nil
		}},
		{"spans", "span topics, comma-separated (of the only graph)", func(c *Config, v string) error {
			return c.onlyGraph(func(g *Graph) { g.Spans = list(v) })
		}},
		{"metrics", "metric topics, comma-separated (of the only graph)", func(c *Config, v string) error {
			return c.onlyGraph(func(g *Graph) { g.Metrics = list(v) })
		}},
		{"graph", "name of the only graph", func(c *Config, v string) error {
			return c.onlyGraph(func(g *Graph) { g.Name = v })
		}},
		{"slice", "slice width", eachGraph(func(g *Graph) *Duration { return &g.Slice })},
		{"lateness", "how long a slice waits for late spans, in event time", eachGraph(func(g *Graph) *Duration { return &g.Lateness })},
		{"idle_timeout", "when a partition without news counts as idle; 0: never", eachGraph(func(g *Graph) *Duration { return &g.IdleTimeout })},
		{"max_wait", "how long a slice waits for a missing partition; 0: for ever", eachGraph(func(g *Graph) *Duration { return &g.MaxWait })},
		{"metrics_wait", "how long a slice waits for its metrics; 0: for ever", eachGraph(func(g *Graph) *Duration { return &g.MetricsWait })},
		{"input", "slices of input", func(c *Config, v string) error { return integer(&c.Model.Input, v) }},
		{"horizons", "slices forecast ahead", func(c *Config, v string) error { return integer(&c.Model.Horizons, v) }},
		{"network", "the network that is trained", func(c *Config, v string) error { c.Model.Network = v; return nil }},
		{"target", "what is forecast: response_time, p50, p95, p99", func(c *Config, v string) error { c.Model.Target = v; return nil }},
		{"retrain_every", "slices between trainings", func(c *Config, v string) error { return integer(&c.Model.RetrainEvery, v) }},
		{"cpus", "threads that forecasts and trainings use at most; 0: all", func(c *Config, v string) error { return integer(&c.Model.CPUs, v) }},
		{"state", "folder for history and models", func(c *Config, v string) error { c.State = v; return nil }},
		{"http", "address of /metrics, /healthz and /readyz; empty: none", func(c *Config, v string) error { c.HTTP.Address = v; return nil }},
		{"log", "log level: debug, info, warn, error", func(c *Config, v string) error { c.Log = v; return nil }},
	}
}

func (c *Config) override(values map[string]string, name func(string) string) error {
	for _, s := range Settings() {
		v, ok := values[s.Key]
		if !ok {
			continue
		}
		if err := s.set(c, v); err != nil {
			return fmt.Errorf("%s: %w", name(s.Key), err)
		}
	}
	return nil
}

// onlyGraph changes the one graph there is, or makes the first.
func (c *Config) onlyGraph(change func(*Graph)) error {
	switch len(c.Graphs) {
	case 0:
		g := DefaultGraph()
		g.Name, g.Spans, g.Metrics = "default", []string{"otlp_spans"}, []string{"otlp_metrics"}
		c.Graphs = append(c.Graphs, g)
	case 1:
	default:
		return fmt.Errorf("expected one graph, the file has %d: set it there", len(c.Graphs))
	}
	change(&c.Graphs[0])
	return nil
}

func eachGraph(field func(*Graph) *Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		var d Duration
		if err := d.UnmarshalText([]byte(v)); err != nil {
			return err
		}
		if len(c.Graphs) == 0 {
			if err := c.onlyGraph(func(*Graph) {}); err != nil {
				return err
			}
		}
		for i := range c.Graphs {
			*field(&c.Graphs[i]) = d
		}
		return nil
	}
}

func integer(to *int, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil {
		return fmt.Errorf("expected a whole number, found %q", v)
	}
	*to = n
	return nil
}

func list(v string) []string {
	var out []string
	for _, part := range strings.Split(v, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

func variableName(key string) string { return "PRESAGE_" + strings.ToUpper(key) }

// fromEnviron picks the settings' variables, by key.
func fromEnviron(environ []string) map[string]string {
	found := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		for _, s := range Settings() {
			if name == s.Variable() {
				found[s.Key] = value
			}
		}
	}
	return found
}
