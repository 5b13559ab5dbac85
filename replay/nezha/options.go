package nezha

import (
	"time"

	"presage/replay/files"
)

// Options of a recording.
type Options struct {
	Data    string // a folder with span files and, if there are any, metric files; or one span file
	TempDir string // for sorting; empty: the system's
	// SortBytes is how much memory sorting takes before it spills. Default 64 MiB.
	SortBytes int
	// TraceRows is how many rows after its last row a trace is taken to be whole.
	// Default 50 000.
	TraceRows int
	// MetricsMargin is how long before the first and after the last span metrics
	// are given out; others are counted and left out. Default 5 minutes.
	MetricsMargin time.Duration
}

func (o Options) withDefaults() Options {
	if o.SortBytes <= 0 {
		o.SortBytes = 64 << 20
	}
	if o.TraceRows <= 0 {
		o.TraceRows = 50_000
	}
	if o.MetricsMargin <= 0 {
		o.MetricsMargin = 5 * time.Minute
	}
	return o
}

// Reasons for which rows are left out or read otherwise than they say.
const (
	DoubledRow     = "doubled_row"           // equal to another row of its trace
	UnknownParent  = "unknown_parent"        // the parent is not among the trace's rows: read as an internal span
	SplitTrace     = "split_trace"           // traces cut because too many rows were held
	OutsideMetrics = "metrics_outside_spans" // see Options.MetricsMargin
)

var (
	spanTable   = files.Table{Name: "spans", Patterns: []string{"traces_*.csv", "*_trace.csv", "*_traces.csv", "trace.csv", "traces.csv"}}
	metricTable = files.Table{Name: "pod metrics", Patterns: []string{"metrics_*.csv", "*_metric.csv", "*_metrics.csv", "metric.csv", "metrics.csv"}}

	spanColumns   = files.Columns("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano")
	metricColumns = files.Columns("TimeStamp", "PodName", "CpuUsage(m)", "MemoryUsage(Mi)")
)
