package main

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"presage/internal/kafka"
	"presage/sink"
	"presage/sink/ownership"
	"presage/windower/stage"
)

// instruments are what a process shows of itself: its metrics, and whether it is ready. They outlive pipelines: counters go on
// when a configuration is reloaded.
type instruments struct {
	registry *prometheus.Registry
	windower *stage.Metrics
	sink     *sink.Metrics
	owner    *ownership.Metrics
	counted  *kafka.Client // whose counts are shown

	standing  atomic.Bool // this process forecasts nothing, and waits to
	forecasts atomic.Bool // this process has forecast a slice
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
	if i.owner, err = ownership.NewMetrics(i.registry); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return i, nil
}

// ready reports whether the process does its work, which may be to stand by.
func (i *instruments) ready(role string) bool {
	return !doesForecasts(role) || i.forecasts.Load() || i.standing.Load()
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
