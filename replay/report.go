package replay

import "time"

// Progress is how far a replay is.
type Progress struct {
	Rows           int64
	Spans          int64
	Metrics        int64 // resources' metrics
	Records        int64
	EventTime      time.Time // of the newest item, as written
	SpansPerSecond float64   // since the last progress
	Done           float64   // share of the recording read; negative if unknown
	Left           time.Duration
	Turn           int  // of a loop, from 0
	CatchingUp     bool // resuming: passing over what is in the topics already
}

// Report is what a replay did.
type Report struct {
	Rows        int64
	Spans       int64
	Metrics     int64 // resources' metrics
	Points      int64 // data points among them
	Records     int64 // written and acknowledged, watermarks included
	Watermarks  int64
	Bytes       int64 // of the records' values
	Resumed     int64 // records that were in the topics already
	Turns       int64 // whole turns of a loop
	First, Last time.Time
	Elapsed     time.Duration
	// Skipped counts what the source left out or mended, by its reasons, and
	// here: before_from, no_metrics_topic.
	Skipped map[string]int64
	Notes   []string
}

// Reasons for which Run leaves items out.
const (
	beforeFrom     = "before_from"
	noMetricsTopic = "no_metrics_topic"
)
