package config

import (
	"fmt"
	"net"
	"regexp"
	"time"
)

var graphName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// checkClient lists what is wrong with the keys that every command uses, each with
// its key.
func (c *Config) checkClient() []string {
	var bad []string
	report := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if len(c.Kafka.Brokers) == 0 {
		report("kafka.brokers: expected at least one host:port, found none")
	}
	for _, b := range c.Kafka.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			report("kafka.brokers: expected host:port, found %q", b)
		}
	}
	switch c.Kafka.SASL.Mechanism {
	case "", "plain", "scram-sha-256", "scram-sha-512":
	default:
		report("kafka.sasl.mechanism: expected plain, scram-sha-256 or scram-sha-512, found %q", c.Kafka.SASL.Mechanism)
	}
	if c.Kafka.SessionTimeout < Duration(time.Second) || c.Kafka.SessionTimeout > Duration(30*time.Minute) {
		report("kafka.session_timeout: expected 1s to 30m, found %s", c.Kafka.SessionTimeout)
	}
	if (c.Kafka.TLS.CertFile == "") != (c.Kafka.TLS.KeyFile == "") {
		report("kafka.tls: cert_file and key_file go together")
	}
	switch c.Log {
	case "debug", "info", "warn", "error":
	default:
		report("log: expected debug, info, warn or error, found %q", c.Log)
	}
	return bad
}

// check lists everything that is wrong, each with its key.
func (c *Config) check() []string {
	bad := c.checkClient()
	report := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if len(c.Graphs) == 0 {
		report("graphs: expected at least one graph with a name and its span topics")
	}
	c.checkGraphs(report)
	c.Topics.check(report)
	c.checkModel(report)
	if c.State == "" {
		report("state: expected a folder")
	}
	c.checkHTTP(report)
	return bad
}

func (c *Config) checkGraphs(report func(string, ...any)) {
	names, topics := map[string]bool{}, map[string]string{}
	for i := range c.Graphs {
		g := &c.Graphs[i]
		at := fmt.Sprintf("graphs[%d]", i)
		if !graphName.MatchString(g.Name) {
			report("%s.name: expected lower-case letters, digits, '.', '_' and '-' (63 at most), found %q", at, g.Name)
		}
		if names[g.Name] {
			report("%s.name: %q is there twice", at, g.Name)
		}
		names[g.Name] = true
		if len(g.Spans)+len(g.Metrics) == 0 {
			report("%s: expected a topic in spans or metrics", at)
		}
		if g.Rekey && len(g.Spans) == 0 {
			report("%s.rekey: expected a topic in spans", at)
		}
		mine := append(append([]string{}, g.Spans...), g.Metrics...)
		if g.Rekey {
			mine = append(mine, g.SpanTopics()...)
		}
		for _, topic := range mine {
			if other, ok := topics[topic]; ok {
				report("%s: topic %q already belongs to graph %q", at, topic, other)
			}
			topics[topic] = g.Name
		}
		if g.Slice < Duration(time.Second) || g.Slice > Duration(time.Hour) {
			report("%s.slice: expected 1s to 1h, found %s", at, g.Slice)
		}
		for _, d := range []struct {
			key   string
			value Duration
		}{
			{"lateness", g.Lateness}, {"metrics_lateness", g.MetricsLateness}, {"tombstone_ttl", g.TombstoneTTL},
			{"idle_timeout", g.IdleTimeout}, {"max_wait", g.MaxWait}, {"metrics_wait", g.MetricsWait},
		} {
			if d.value < 0 {
				report("%s.%s: expected no negative duration, found %s", at, d.key, d.value)
			}
		}
		switch g.OnLostOffset {
		case "earliest", "latest", "stop":
		default:
			report("%s.on_lost_offset: expected earliest, latest or stop, found %q", at, g.OnLostOffset)
		}
		switch g.Clock {
		case "wall", "event":
		default:
			report("%s.clock: expected wall or event, found %q", at, g.Clock)
		}
		switch g.NodeSource {
		case "prefer_metrics", "spans", "metrics":
		default:
			report("%s.node_source: expected prefer_metrics, spans or metrics, found %q", at, g.NodeSource)
		}
		if g.MaxServices < 1 || g.MaxEdges < 1 || g.MaxHalves < 1 {
			report("%s: max_services, max_edges and max_halves must be positive", at)
		}
	}
}

func (c *Config) checkModel(report func(string, ...any)) {
	m := &c.Model
	if m.Input < 1 || m.Input > 512 {
		report("model.input: expected 1 to 512 slices, found %d", m.Input)
	}
	if m.Horizons < 1 || m.Horizons > 512 {
		report("model.horizons: expected 1 to 512 slices, found %d", m.Horizons)
	}
	if m.CPUs < 0 {
		report("model.cpus: expected a number of threads, or 0 for all, found %d", m.CPUs)
	}
	switch m.Target {
	case "response_time", "p50", "p95", "p99", "requests":
	default:
		report("model.target: expected response_time, p50, p95, p99 or requests, found %q", m.Target)
	}
	if m.Interval <= 0 || m.Interval >= 1 {
		report("model.interval: expected a share between 0 and 1, found %v", m.Interval)
	}
	if m.RetrainEvery < 1 {
		report("model.retrain_every: expected at least 1 slice, found %d", m.RetrainEvery)
	}
}
