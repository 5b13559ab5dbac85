package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"presage/internal/kafka"
	"presage/sink"
	"presage/windower/stage"
)

// instruments are the metrics of a process. They outlive pipelines: counters go on
// when a configuration is reloaded.
type instruments struct {
	registry *prometheus.Registry
	windower *stage.Metrics
	sink     *sink.Metrics
	counted  *kafka.Client // whose counts are shown
}

func newInstruments() (*instruments, error) {
	i := &instruments{registry: prometheus.NewRegistry()}
	for _, c := range []prometheus.Collector{collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := i.registry.Register(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	var err error
	if i.windower, err = stage.NewMetrics(i.registry); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	if i.sink, err = sink.NewMetrics(i.registry, 0); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return i, nil
}

// follow shows a client's counts in place of the last one's.
func (i *instruments) follow(c *kafka.Client) error {
	if i.counted == c {
		return nil
	}
	if i.counted != nil {
		i.registry.Unregister(i.counted)
	}
	if err := i.registry.Register(c); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	i.counted = c
	return nil
}

// forget takes down the gauges of a graph that is no longer worked on. Its counters stay.
func (i *instruments) forget(graph string) {
	i.windower.Forget(graph)
	i.sink.Forget(graph)
}
