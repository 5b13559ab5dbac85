package alibaba

import (
	"time"

	"presage/replay"
)

// Options say how a trace is read. The zero value is good.
type Options struct {
	Epoch           time.Time // the instant of the trace's time zero; zero: replay.DefaultEpoch
	DeclareSampling bool      // 2021: say in the spans' tracestate that 0.5 % of the traces are there
	TempDir         string    // where rows are sorted; empty: the system's folder for temporary files
	Memory          int       // bytes to sort one table in; 0: 64 MiB
	OpenRows        int       // rows and spans of the call graph held in memory; 0: 2 000 000 (the process takes about 500 MB then)
}

func (o Options) withDefaults() Options {
	if o.Epoch.IsZero() {
		o.Epoch = replay.DefaultEpoch()
	}
	if o.Memory <= 0 {
		o.Memory = 64 << 20
	}
	if o.OpenRows <= 0 {
		o.OpenRows = 2_000_000
	}
	return o
}

// nanos turns milliseconds of the trace into event time.
func (o *Options) nanos(millis int64) int64 {
	return o.Epoch.UnixNano() + millis*int64(time.Millisecond)
}
