package calls

import (
	"errors"
	"fmt"
	"time"

	"presage/replay"
	"presage/replay/files"
)

// Options of a recording. Empty fields take the default in brackets; the optional
// columns are left out with "-".
type Options struct {
	Data    string // a file, or a folder with files called calls*.csv
	TempDir string // for sorting; empty: the system's
	// SortBytes is how much memory sorting takes before it spills. Default 64 MiB.
	SortBytes int

	Trace   string // column of the trace id [trace_id]
	Start   string // column of the start [start_us]
	Caller  string // column of the calling service [src]
	Callee  string // column of the called service [dst]
	Latency string // column of the latency [latency_us]
	Status  string // optional column of the HTTP status [http_status]
	CPU     string // optional column of the callee's CPU use [cpu_use]
	Memory  string // optional column of the callee's memory use [mem_use_percent]

	StartUnit   string // s, ms, us or ns [us]
	LatencyUnit string // the same [us]
	CPUUnit     string // an OTLP unit: {cpu} for cores, % or 1 for a share [%]
	MemoryUnit  string // an OTLP unit: By, % or 1 [1]

	// Epoch is added to starts that lie within ten years of zero, of recordings
	// whose clock starts at zero. Default replay.DefaultEpoch.
	Epoch time.Time
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		have *string
		want string
	}{
		{&o.Trace, "trace_id"}, {&o.Start, "start_us"}, {&o.Caller, "src"}, {&o.Callee, "dst"}, {&o.Latency, "latency_us"},
		{&o.Status, "http_status"}, {&o.CPU, "cpu_use"}, {&o.Memory, "mem_use_percent"},
		{&o.StartUnit, "us"}, {&o.LatencyUnit, "us"}, {&o.CPUUnit, "%"}, {&o.MemoryUnit, "1"},
	} {
		if *f.have == "" {
			*f.have = f.want
		}
	}
	if o.SortBytes <= 0 {
		o.SortBytes = 64 << 20
	}
	if o.Epoch.IsZero() {
		o.Epoch = replay.DefaultEpoch()
	}
	return o
}

// The places of the columns in a row.
const (
	atTrace = iota
	atStart
	atCaller
	atCallee
	atLatency
	atStatus
	atCPU
	atMemory
)

func (o Options) columns() []files.Column {
	columns := files.Columns(o.Trace, o.Start, o.Caller, o.Callee, o.Latency)
	for _, name := range []string{o.Status, o.CPU, o.Memory} {
		columns = append(columns, files.Column{Names: []string{name}, Optional: true})
	}
	return columns
}

var units = map[string]int64{"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}

func (o Options) check() error {
	var errs []error
	for option, unit := range map[string]string{"start": o.StartUnit, "latency": o.LatencyUnit} {
		if units[unit] == 0 {
			errs = append(errs, fmt.Errorf("unit of the %s is %q: expected s, ms, us or ns", option, unit))
		}
	}
	return errors.Join(errs...)
}
