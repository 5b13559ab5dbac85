package generated

// Interval is what a value is drawn from.
type Interval struct{ Low, High float64 }

// Laws are the parameters of the mechanisms. DefaultLaws are the demo's; other
// worlds change some of them. Times are seconds, deviations are of logarithms.
type Laws struct {
	// Load.
	LoadDeviation   float64  // an API's own Ornstein–Uhlenbeck noise
	LoadTau         float64  // its memory
	CommonDeviation float64  // the same for what all APIs share
	MixDeviation    float64  // of an API's variants
	MixTau          float64  // of that mix
	Dispersion      float64  // of a tick's rate: counts are over-dispersed
	BurstHeight     Interval // added to the load factor at the top
	BurstRise       Interval
	BurstHold       Interval
	BurstFade       float64
	CronEvery       int // every so many APIs one is a scheduled job; 0: none

	// Services.
	WorkDeviation float64  // of the request mix's work
	WorkTau       float64  // its memory
	Memories      Interval // factors on LoadTau and WorkTau, by API and service, drawn evenly in logarithm; zero: 1
	Pressure      float64  // exponent of a service's calls in flight, in their usual number, in its own work: collection and contention follow what is held
	PressureTau   float64  // and how slowly they follow
	Sigma         Interval // of a call's own work
	StoreSigma    Interval // the same for databases
	Busy          Interval // utilisation at the mean load
	StoreBusy     Interval
	HostDeviation float64 // of the background's slowdown
	GuestsHourly  float64 // noisy neighbours an hour and host

	// Autoscaling.
	ScaledShare float64 // of the services
	ScaleTarget float64 // utilisation it aims at
	ScaleLag    Interval

	// Calls.
	Timeout       Interval // in the callee's idle response time
	RetryShare    float64  // of the caller-callee pairs that retry
	MaxRetries    int
	BudgetedShare float64 // of those: pairs with a retry budget
	Budget        Interval
	BreakerShare  float64

	// Incidents holds weights by cause; all zero: the default law, half with a precursor.
	Incidents [faultKinds]float64

	// Topology.
	Tiers     []float64 // shares of the services below the gateways; nil: by size
	FanInTail float64   // Pareto exponent of a callee's popularity
	MenuMean  float64   // callees a service can call, beyond the first
	TreeMean  float64   // calls of an API's tree, median beyond the first four
	TreeSigma float64   // deviation of its logarithm
	TreeMost  int       // calls that a tree stops growing at
	// KeepCalled lets deployments switch no call off without which some service would not be
	// called at all: over days, services would fall silent.
	KeepCalled bool
	// Independent cuts every call: each service has its own load at its own time of day, its
	// own hosts and queue, and the edges are a graph that means nothing.
	Independent bool
}

// DefaultLaws are the demo's.
func DefaultLaws() Laws {
	return Laws{
		LoadDeviation: 0.10, LoadTau: 600, CommonDeviation: 0.07, MixDeviation: 0.5, MixTau: 600, Dispersion: 0.12,
		BurstHeight: Interval{0.2, 0.8}, BurstRise: Interval{30, 120}, BurstHold: Interval{30, 400}, BurstFade: 120, CronEvery: 5,
		WorkDeviation: 0.16, WorkTau: 600, Sigma: Interval{0.47, 0.95}, StoreSigma: Interval{0.7, 1.2},
		Busy: Interval{0.34, 0.53}, StoreBusy: Interval{0.28, 0.48}, HostDeviation: 0.03, GuestsHourly: 0.6,
		ScaledShare: 0.5, ScaleTarget: 0.6, ScaleLag: Interval{20, 60},
		Timeout: Interval{8, 25}, RetryShare: 0.6, MaxRetries: 3, BudgetedShare: 0.65, Budget: Interval{0.1, 0.2}, BreakerShare: 0.45,
		FanInTail: 1.2, MenuMean: 2, TreeMean: 7, TreeSigma: 0.6, TreeMost: 60,
	}
}

// within draws from an interval.
func (r *Rand) within(i Interval) float64 { return r.between(i.Low, i.High) }

// burstArea is the mean seconds of doubled load that a burst brings.
func (l *Laws) burstArea() float64 {
	middle := func(i Interval) float64 { return (i.Low + i.High) / 2 }
	if d := DefaultLaws(); l.BurstHeight == d.BurstHeight && l.BurstRise == d.BurstRise && l.BurstHold == d.BurstHold && l.BurstFade == d.BurstFade {
		return 185 // the demo's, rounded: its bytes stay as they are
	}
	return middle(l.BurstHeight) * (middle(l.BurstRise)/2 + middle(l.BurstHold) + l.BurstFade)
}
