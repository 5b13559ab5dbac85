package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"presage/replay"
	"presage/replay/calls"
)

// sourceFlags say which recording is read and how.
type sourceFlags struct {
	format          string
	data            string
	epoch           string
	declareSampling bool
	services        int
	hours           float64
	rate            float64
	seed            uint64
	truth           string
	calls           calls.Options
}

func (f *sourceFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.format, "format", "generated", "format of the recording: "+strings.Join(formatNames(), ", "))
	flags.StringVar(&f.data, "data", "", "file or folder of the recording")
	flags.StringVar(&f.epoch, "epoch", "2020-01-06T00:00:00Z", "the instant that a recording's zero stands for, where its clock starts at zero")
	flags.BoolVar(&f.declareSampling, "declare-sampling", false, "state the recording's sampling in the spans' tracestate (alibaba-2021)")
	flags.IntVar(&f.services, "services", 30, "generated: number of services")
	flags.Float64Var(&f.hours, "hours", 1, "generated: length in hours; 0: endless")
	flags.Float64Var(&f.rate, "rate", 600, "generated: mean number of spans a second")
	flags.Uint64Var(&f.seed, "seed", 1, "generated: seed")
	flags.StringVar(&f.truth, "truth", "", "generated: file for the incidents that were generated")
	f.addColumns(flags)
}

// addColumns adds the flags that map a table of calls.
func (f *sourceFlags) addColumns(flags *pflag.FlagSet) {
	for _, c := range []struct {
		to                 *string
		name, value, usage string
	}{
		{&f.calls.Trace, "column-trace", "trace_id", "column of the trace id"},
		{&f.calls.Start, "column-start", "start_us", "column of the start"},
		{&f.calls.Caller, "column-caller", "src", "column of the calling service"},
		{&f.calls.Callee, "column-callee", "dst", "column of the called service"},
		{&f.calls.Latency, "column-latency", "latency_us", "column of the latency"},
		{&f.calls.Status, "column-status", "http_status", "column of the HTTP status; -: none"},
		{&f.calls.CPU, "column-cpu", "cpu_use", "column of the callee's CPU use; -: none"},
		{&f.calls.Memory, "column-memory", "mem_use_percent", "column of the callee's memory use; -: none"},
		{&f.calls.StartUnit, "start-unit", "us", "unit of the start: s, ms, us or ns"},
		{&f.calls.LatencyUnit, "latency-unit", "us", "unit of the latency: s, ms, us or ns"},
	} {
		flags.StringVar(c.to, c.name, c.value, "calls: "+c.usage)
	}
}

// identity names the recording for a later --resume.
func (f *sourceFlags) identity() string {
	return fmt.Sprintf("%s data=%s epoch=%s sampling=%t services=%d hours=%g rate=%g seed=%d calls=%v",
		f.format, f.data, f.epoch, f.declareSampling, f.services, f.hours, f.rate, f.seed, f.calls)
}

// format opens recordings of one kind.
type format struct {
	name string
	open func(ctx context.Context, f *sourceFlags, epoch time.Time) (replay.Source, error)
}

func formats() []format {
	return []format{
		{"generated", openGenerated},
		{"alibaba-2021", open2021},
		{"alibaba-2022", open2022},
		{"alibaba-2018", open2018},
		{"nezha", openNezha},
		{"calls", openCalls},
	}
}

func formatNames() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.name)
	}
	return names
}

// opener checks the flags and gives what opens the recording, once a turn.
func (f *sourceFlags) opener() (replay.Opener, error) {
	epoch, err := time.Parse(time.RFC3339, f.epoch)
	if err != nil {
		return nil, misusef("--epoch: expected a time such as 2020-01-06T00:00:00Z, found %q", f.epoch)
	}
	for _, known := range formats() {
		if known.name != f.format {
			continue
		}
		if f.format != "generated" {
			if f.data == "" {
				return nil, misusef("--format %s needs --data: the file or folder of the recording", f.format)
			}
			if _, err := os.Stat(f.data); err != nil {
				return nil, fmt.Errorf("--data: %w", err)
			}
		}
		return func(ctx context.Context) (replay.Source, error) { return known.open(ctx, f, epoch) }, nil
	}
	return nil, misusef("--format: expected one of %s, found %q", strings.Join(formatNames(), ", "), f.format)
}
