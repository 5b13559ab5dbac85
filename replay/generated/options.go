package generated

import (
	"fmt"
	"io"
	"time"
)

// Options say what system to generate and for how long. A zero field takes its
// default; a negative rate of events means none.
type Options struct {
	Seed     uint64
	Services int           // services that report spans (default 30); databases and caches come on top
	Hours    float64       // length in hours; Duration wins if both are set
	Duration time.Duration // length; zero with zero Hours: endless
	Rate     float64       // mean number of spans a second (default 600)
	Start    int64         // Unix nanoseconds of the first tick (default 2020-01-06T00:00:00Z, a Monday)

	Tick         time.Duration // step of the simulation (default 1 s)
	Sampling     float64       // share of traces that is recorded (default 1); the system bears the whole load
	Declare      bool          // state the sampling in the spans' tracestate (ot=th)
	MetricsEvery time.Duration // interval of a container's metrics (default 15 s); negative: none

	Incidents   float64 // mean number an hour (default 2)
	Deployments float64 // mean number an hour (default 3)
	Bursts      float64 // mean number an hour and API (default 4)

	MissingMetrics float64       // share of metric points that is lost when nothing is overloaded (default 0.005)
	LateShare      float64       // share of spans that comes late (default 0.001)
	LateMean       time.Duration // mean of their delay, at most four times that (default 1 s)
	ClockSkew      time.Duration // deviation of the hosts' clocks (default 100 µs)

	// Laws, if set, are the mechanisms' parameters (default DefaultLaws).
	Laws *Laws

	Namespace string // Kubernetes namespace (default shop)

	// Truth, if set, gets the truth file: a JSON object a line for each incident (type
	// Incident), written when it is over, and at the end of the run.
	Truth io.Writer
}

// defaultStart is 2020-01-06T00:00:00Z.
const defaultStart = 1578268800 * int64(time.Second)

// withDefaults returns the options with every default filled in, or an error that
// names the field that makes no sense.
func (o Options) withDefaults() (Options, error) {
	if o.Duration == 0 {
		o.Duration = time.Duration(o.Hours * float64(time.Hour))
	}
	setDefault(&o.Services, 30)
	setDefault(&o.Rate, 600)
	setDefault(&o.Start, defaultStart)
	setDefault(&o.Tick, time.Second)
	setDefault(&o.Sampling, 1)
	setDefault(&o.MetricsEvery, 15*time.Second)
	setDefault(&o.Incidents, 2)
	setDefault(&o.Deployments, 3)
	setDefault(&o.Bursts, 4)
	setDefault(&o.MissingMetrics, 0.005)
	setDefault(&o.LateShare, 0.001)
	setDefault(&o.LateMean, time.Second)
	setDefault(&o.ClockSkew, 100*time.Microsecond)
	if o.Namespace == "" {
		o.Namespace = "shop"
	}
	switch {
	case o.Services < 2 || o.Services > 20_000:
		return o, fmt.Errorf("generated: %d services: from 2 to 20000 are possible", o.Services)
	case o.Rate <= 0:
		return o, fmt.Errorf("generated: rate %g: must be above 0 spans a second", o.Rate)
	case o.Duration < 0:
		return o, fmt.Errorf("generated: duration %v: must not be negative", o.Duration)
	case o.Tick < 10*time.Millisecond || o.Tick > 10*time.Second:
		return o, fmt.Errorf("generated: tick %v: from 10ms to 10s are possible", o.Tick)
	case o.Sampling <= 0 || o.Sampling > 1:
		return o, fmt.Errorf("generated: sampling %g: must lie above 0 and not above 1", o.Sampling)
	}
	return o, nil
}

// setDefault sets a field that is zero.
func setDefault[T int | int64 | float64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
