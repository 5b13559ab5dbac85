package main

import (
	"fmt"
	"hash/fnv"
	"strings"

	"presage/internal/config"
	"presage/internal/kafka"
	"presage/model/baseline"
	"presage/model/catalog"
	"presage/model/online"
	"presage/model/tensor/pool"
	"presage/windower"
	"presage/windower/stage"
)

// namingRules is raised whenever ingest names services or peers in another way, or
// the windower counts in another way: slices of both must not be mixed.
const namingRules = 1

// noNetwork is the network of who wants the baselines alone.
const noNetwork = "none"

// stageGraph turns a configured graph into what the windower's shells take.
func stageGraph(g config.Graph) stage.Graph {
	return stage.Graph{
		Name: g.Name, Fingerprint: fingerprint(g),
		SpanTopics: g.SpanTopics(), Rekeyed: g.Rekey, MetricTopics: g.Metrics,
		Width: g.Slice.Std(), Lateness: g.Lateness.Std(), MetricsLateness: g.MetricsLateness.Std(),
		TombstoneTTL: g.TombstoneTTL.Std(), NodeSource: nodeSource(g.NodeSource),
		IdleTimeout: g.IdleTimeout.Std(), MaxWait: g.MaxWait.Std(), MetricsWait: g.MetricsWait.Std(),
		MaxHalves: g.MaxHalves, MaxServices: g.MaxServices, MaxEdges: g.MaxEdges, DedupeSpans: g.DedupeSpans,
	}
}

func nodeSource(name string) windower.NodeSource {
	switch name {
	case "spans":
		return windower.SpansOnly
	case "metrics":
		return windower.MetricsOnly
	}
	return windower.PreferMetrics
}

// fingerprint is of all that decides what is in a graph's slices.
func fingerprint(g config.Graph) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d|%s|%d|%d|%d|%d|%s|%d|%d|%d|%s|%s", namingRules, g.Name, g.Slice, g.Lateness, g.MetricsLateness,
		g.TombstoneTTL, g.NodeSource, g.MaxServices, g.MaxEdges, g.MaxHalves, strings.Join(g.Spans, ","), strings.Join(g.Metrics, ","))
	if g.DedupeSpans { // only then, so that graphs made before the option keep theirs
		_, _ = fmt.Fprint(h, "|dedupe_spans")
	}
	if g.Rekey { // likewise
		_, _ = fmt.Fprint(h, "|rekey")
	}
	return h.Sum64()
}

// loopConfig says how a graph is forecast.
func loopConfig(graph string, m config.Model, workers *pool.Pool) (online.Config, error) {
	c := online.Config{
		Graph: graph, Targets: []string{m.Target}, Input: m.Input, Horizons: m.Horizons, Level: m.Interval,
		Baselines: baseline.Methods(), RetrainEvery: m.RetrainEvery, Seed: m.Seed, Epochs: m.Epochs,
	}
	if m.Load && m.Target != online.Requests {
		c.Targets = append(c.Targets, online.Requests)
	}
	if m.Network != noNetwork {
		var err error
		if c.Network, err = catalog.Find(m.Network, workers.Urgent()); err != nil {
			return c, fmt.Errorf("model.network: %w", err)
		}
		if c.Trainee, err = catalog.Find(m.Network, workers.Background()); err != nil {
			return c, fmt.Errorf("model.network: %w", err)
		}
	}
	return c, nil
}

// lostOffset is what happens where retention has overrun what was read.
func lostOffset(name string) kafka.Policy {
	switch name {
	case "latest":
		return kafka.Latest
	case "stop":
		return kafka.Stop
	}
	return kafka.Earliest
}
