package ingest

import (
	"strings"

	"presage/ingest/otlp"
)

// class is what a metric tells of a container or a service. Of a class, only the
// best metric that a record holds for a container is used.
type class uint8

const (
	classCPU class = iota
	classMemory
	classHTTP
	classRPC
)

// rule says how a metric is read. A lower rank is better.
type rule struct {
	class class
	rank  uint8
	unit  string // where the metric itself names none
	share bool   // the value is a part of a limit, in 1 or %
}

// ruleOf knows the metrics by name: those of the semantic conventions, current and
// older, of kubeletstats and of dockerstats.
func ruleOf(name string) (rule, bool) {
	if rest, ok := strings.CutPrefix(name, "k8s.pod."); ok {
		return containerRule(rest)
	}
	if rest, ok := strings.CutPrefix(name, "container."); ok {
		return containerRule(rest)
	}
	switch name {
	case "http.server.request.duration":
		return rule{classHTTP, 0, "s", false}, true
	case "http.server.duration":
		return rule{classHTTP, 1, "ms", false}, true
	case "rpc.server.call.duration":
		return rule{classRPC, 0, "s", false}, true
	case "rpc.server.duration":
		return rule{classRPC, 1, "ms", false}, true
	}
	return rule{}, false
}

func containerRule(name string) (rule, bool) {
	switch name {
	case "cpu.usage":
		return rule{classCPU, 0, "{cpu}", false}, true
	case "cpu.time":
		return rule{classCPU, 1, "s", false}, true
	case "cpu.usage.total":
		return rule{classCPU, 2, "ns", false}, true
	case "cpu.utilization":
		return rule{classCPU, 3, "1", true}, true
	case "memory.working_set":
		return rule{classMemory, 0, "By", false}, true
	case "memory.usage":
		return rule{classMemory, 1, "By", false}, true
	case "memory.usage.total":
		return rule{classMemory, 2, "By", false}, true
	case "memory.rss":
		return rule{classMemory, 3, "By", false}, true
	case "memory.utilization":
		return rule{classMemory, 4, "1", true}, true
	case "memory.percent":
		return rule{classMemory, 5, "%", true}, true
	}
	return rule{}, false
}

// unitScale turns a unit into seconds, bytes or 1; an unknown unit counts as the
// rule's own.
func unitScale(unit, otherwise string) float64 {
	switch unit {
	case "ns":
		return 1e-9
	case "us":
		return 1e-6
	case "ms":
		return 1e-3
	case "%":
		return 0.01
	case "KiBy":
		return 1 << 10
	case "MiBy":
		return 1 << 20
	case "GiBy":
		return 1 << 30
	case "s", "1", "By", "{cpu}", "{cores}":
		return 1
	}
	if otherwise == "" {
		return 1
	}
	return unitScale(otherwise, "")
}

// reading is how the points of one metric become samples.
type reading struct {
	rule
	metric     Metric
	cumulative bool
	rate       bool // a delta counter of CPU time, turned into cores
	scale      float64
}

// readingOf gives the reading of a metric; ok is false where its name or type is
// not understood.
func readingOf(m *otlp.MetricInfo) (reading, bool) {
	r, ok := ruleOf(m.Name)
	if !ok {
		return reading{}, false
	}
	out := reading{rule: r, scale: unitScale(m.Unit, r.unit)}
	if r.share && strings.HasSuffix(m.Scope, "dockerstatsreceiver") {
		out.scale = 0.01 // it sends percent under the unit 1
	}
	histogram := m.Type == otlp.HistogramType || m.Type == otlp.ExponentialType
	switch r.class {
	case classHTTP, classRPC:
		out.metric, out.cumulative = MetricServerDuration, m.Cumulative
		return out, histogram
	case classMemory:
		out.metric = MetricMemory // a gauge or a sum: a level in both
		return out, !histogram
	}
	out.metric = MetricCPUUsage
	if m.Type == otlp.Counter && m.Monotonic {
		out.metric, out.cumulative, out.rate = MetricCPUTime, m.Cumulative, !m.Cumulative
		if out.rate {
			out.metric = MetricCPUUsage
		}
	}
	return out, !histogram
}
