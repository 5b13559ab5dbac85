package config

import (
	"fmt"
	"time"
)

// Config is everything that `presage run` can be told.
type Config struct {
	Kafka  Kafka   `yaml:"kafka"`
	Topics Topics  `yaml:"topics"`
	Graphs []Graph `yaml:"graphs"`
	Model  Model   `yaml:"model"`
	State  string  `yaml:"state"`
	HTTP   HTTP    `yaml:"http"`
	Log    string  `yaml:"log"`
}

// Kafka says how to reach the brokers.
type Kafka struct {
	Brokers     []string `yaml:"brokers"`
	ClientID    string   `yaml:"client_id"`
	DialTimeout Duration `yaml:"dial_timeout"`
	// SessionTimeout is how long the brokers wait for a dead process before they give its partitions to others.
	SessionTimeout Duration `yaml:"session_timeout"`
	TLS            TLS      `yaml:"tls"`
	SASL           SASL     `yaml:"sasl"`
}

// TLS is on where any of its keys is set.
type TLS struct {
	Enabled    bool   `yaml:"enabled"`
	CAFile     string `yaml:"ca_file"`
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	ServerName string `yaml:"server_name"`
}

// On reports whether TLS is to be used.
func (t TLS) On() bool { return t != TLS{} }

// SASL is on where a mechanism is named. The password comes from PasswordFile, or
// from the variable PRESAGE_SASL_PASSWORD; there is no key for it in the file.
type SASL struct {
	Mechanism    string `yaml:"mechanism"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
}

// Graph is one service graph: a set of topics and the rules for slicing them.
type Graph struct {
	Name            string   `yaml:"name"`
	Spans           []string `yaml:"spans"`
	Metrics         []string `yaml:"metrics"`
	Slice           Duration `yaml:"slice"`
	Lateness        Duration `yaml:"lateness"`
	MetricsLateness Duration `yaml:"metrics_lateness"`
	TombstoneTTL    Duration `yaml:"tombstone_ttl"`
	IdleTimeout     Duration `yaml:"idle_timeout"`
	MaxWait         Duration `yaml:"max_wait"`
	MetricsWait     Duration `yaml:"metrics_wait"`
	OnLostOffset    string   `yaml:"on_lost_offset"`
	Clock           string   `yaml:"clock"`
	NodeSource      string   `yaml:"node_source"`
	MaxServices     int      `yaml:"max_services"`
	MaxEdges        int      `yaml:"max_edges"`
	MaxHalves       int      `yaml:"max_halves"`
	DedupeSpans     bool     `yaml:"dedupe_spans"`
	Rekey           bool     `yaml:"rekey"`
}

// RekeyedSuffix is what the name of a re-keyed topic has behind that of its source.
const RekeyedSuffix = ".by_trace"

// SpanTopics are the topics that the graph's spans are read from: those in Spans, or what
// these are re-keyed into, in the same order.
func (g *Graph) SpanTopics() []string {
	if !g.Rekey {
		return g.Spans
	}
	out := make([]string, len(g.Spans))
	for i, topic := range g.Spans {
		out[i] = topic + RekeyedSuffix
	}
	return out
}

// Model says what is forecast and by which network.
type Model struct {
	Input        int     `yaml:"input"`
	Horizons     int     `yaml:"horizons"`
	Target       string  `yaml:"target"`
	Load         bool    `yaml:"load"`
	Network      string  `yaml:"network"`
	Interval     float64 `yaml:"interval"`
	RetrainEvery int     `yaml:"retrain_every"`
	Epochs       int     `yaml:"epochs"`
	Seed         uint64  `yaml:"seed"`
	CPUs         int     `yaml:"cpus"` // threads of the networks at most; 0: as many as Go may use
}

// Duration is a time.Duration written as in Go: 60s, 5m, 1h30m. In a file zero
// means that there is no limit where a limit is meant.
type Duration time.Duration

// String writes the duration as in the file.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalText reads the duration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("expected a duration such as 60s or 5m, found %q", text)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes the duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Std is the duration as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// Default is the configuration of `run` before any file, variable or flag. It has
// no graph: DefaultGraph fills what a graph leaves out.
func Default() Config {
	return Config{
		Kafka: Kafka{
			Brokers:        []string{"localhost:9092"},
			ClientID:       "presage",
			DialTimeout:    Duration(10 * time.Second),
			SessionTimeout: Duration(20 * time.Second),
		},
		Topics: defaultTopics(),
		Model: Model{
			Input:        12,
			Horizons:     12,
			Target:       "response_time",
			Load:         true,
			Network:      "stgnn",
			Interval:     0.9,
			RetrainEvery: 1440,
			Seed:         1,
		},
		State: "./state",
		HTTP:  HTTP{Address: "127.0.0.1:8088"},
		Log:   "info",
	}
}

// DefaultGraph is what a graph of the file starts from.
func DefaultGraph() Graph {
	return Graph{
		Slice:           Duration(60 * time.Second),
		Lateness:        Duration(20 * time.Second),
		MetricsLateness: Duration(60 * time.Second),
		TombstoneTTL:    0, // the lateness
		IdleTimeout:     Duration(30 * time.Second),
		MaxWait:         Duration(120 * time.Second),
		MetricsWait:     Duration(60 * time.Second),
		OnLostOffset:    "earliest",
		Clock:           "wall",
		NodeSource:      "prefer_metrics",
		MaxServices:     20000,
		MaxEdges:        200000,
		MaxHalves:       2000000,
	}
}

// fill derives what a graph leaves to its other keys.
func (g *Graph) fill() {
	if g.TombstoneTTL == 0 {
		g.TombstoneTTL = g.Lateness
	}
}
