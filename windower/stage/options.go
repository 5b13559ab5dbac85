package stage

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"presage/ingest"
	"presage/internal/kafka"
	"presage/windower"
)

// Graph is a service graph as the stages see it. Its fields up to Rekeyed decide
// what is in the slices, so they are fixed for a graph; Fingerprint must tell them.
type Graph struct {
	Name            string
	Fingerprint     uint64
	SpanTopics      []string
	MetricTopics    []string
	Width           time.Duration // of a slice
	Lateness        time.Duration
	MetricsLateness time.Duration // of metric topics; 0 means Lateness
	TombstoneTTL    time.Duration
	NodeSource      windower.NodeSource
	DedupeSpans     bool // leave out spans that were in the log before
	Rekeyed         bool // SpanTopics are written by RunRekey

	// IdleTimeout is after how long without a record a partition's event time goes
	// on with the wall clock, or a partition that was never written to is announced
	// empty. 0 means never.
	IdleTimeout time.Duration
	// MaxWait is how long a slice may wait for the partitions that are missing, and
	// MetricsWait how long for metrics alone. 0 means for ever.
	MaxWait     time.Duration
	MetricsWait time.Duration

	MaxHalves   int // of a slice in a partition, and of spans remembered there; 0 means windower.DefaultMaxHalves
	MaxServices int // 0 means windower.DefaultMaxServices
	MaxEdges    int // 0 means windower.DefaultMaxEdges
}

// Topics are the names of the pipeline's own topics. They must exist.
type Topics struct {
	Partials   string
	Slices     string
	DeadLetter string
}

// Options are what both stages need.
type Options struct {
	Client  *kafka.Client
	Graph   Graph
	Topics  Topics
	Metrics *Metrics
	Log     *slog.Logger
	// Now is the wall clock for idle partitions and waiting times.
	Now func() time.Time
	// OnLostOffset is what happens where retention has removed what a telemetry topic held before it was read.
	OnLostOffset kafka.Policy
	// MaxMessageBytes is what Topics take as one batch (max.message.bytes); 0 means kafka.DefaultMaxMessageBytes. It
	// bounds the chunks of partials and slices, and dead letters.
	MaxMessageBytes int
	// Zstd compresses partials. Slices are compressed in any case.
	Zstd bool
	// Ingest are the decoder's options.
	Ingest ingest.Options
	// SessionTimeout of the consumer groups; 0 means kafka's default.
	SessionTimeout time.Duration
	// WatchInterval is how often telemetry topics are checked for new partitions; 0 means
	// a quarter of the lateness, from half a second to five: until the new partitions are
	// known, slices are closed without them.
	WatchInterval time.Duration
	// CommitInterval is how often places are committed; 0 means 1 s.
	CommitInterval time.Duration
	// OnEnd, where set, is called once the snapshots of a recording that has ended are
	// all acknowledged; an error ends the assembler.
	OnEnd func(ctx context.Context) error
	// MaxLead is by how many slices a partition may lead the slowest one of this
	// process before it pauses; 0 means 10.
	MaxLead int
}

const (
	fetchWait    = 250 * time.Millisecond
	drainTimeout = 4 * time.Second
)

func (o Options) withDefaults() (Options, error) {
	switch {
	case o.Client == nil || o.Metrics == nil || o.Log == nil || o.Now == nil:
		return o, fmt.Errorf("BUG: stage options need a client, metrics, a log and a clock")
	case o.Graph.Name == "":
		return o, fmt.Errorf("BUG: a graph needs a name")
	case o.Graph.Width <= 0:
		return o, fmt.Errorf("graph %s: slice width %v, expected more than zero", o.Graph.Name, o.Graph.Width)
	case len(o.Graph.SpanTopics)+len(o.Graph.MetricTopics) == 0:
		return o, fmt.Errorf("graph %s: expected at least one topic of spans or metrics", o.Graph.Name)
	}
	if o.CommitInterval <= 0 {
		o.CommitInterval = time.Second
	}
	if o.WatchInterval <= 0 {
		o.WatchInterval = min(max(o.Graph.Lateness/4, 500*time.Millisecond), 5*time.Second)
	}
	if o.MaxMessageBytes <= 0 {
		o.MaxMessageBytes = kafka.DefaultMaxMessageBytes
	}
	if o.MaxLead <= 0 {
		o.MaxLead = 10
	}
	if o.Graph.MetricsLateness <= 0 {
		o.Graph.MetricsLateness = o.Graph.Lateness
	}
	return o, nil
}

// signal is what a topic of the graph carries.
func (g *Graph) signal(topic string) ingest.Signal {
	if slices.Contains(g.MetricTopics, topic) {
		return ingest.Metrics
	}
	return ingest.Spans
}

func (g *Graph) topics() []string { return slices.Concat(g.SpanTopics, g.MetricTopics) }

// PartitionGroup is the consumer group of a graph's telemetry topics.
func PartitionGroup(graph string) string { return "presage-windower-" + graph }

// AssemblerGroup is the consumer group of a graph's partials.
func AssemblerGroup(graph string) string { return "presage-assembler-" + graph }
