package model

// Step is the numeric form of one slice: what forecasters read. Steps are
// immutable once made and may be shared. Rows are the services of this slice alone;
// consecutive steps may have different services (see Index), and steps with the same
// services should share the Services slice, so that the common case costs nothing.
type Step struct {
	At       int64     // slice start, Unix nanoseconds
	Width    int64     // nanoseconds
	Segment  int64     // windows never hold steps of two segments
	Services []string  // [N], sorted
	Values   []float32 // [N, F] in natural units (ms, calls, cores); zero where missing
	Mask     []float32 // [N, F] 1 observed, 0 missing
	Graph    *Graph    // rows are Services; may be shared between steps; never nil
}

// Graph is a directed weighted graph in CSR, caller to callee: the callees of i
// are Col[RowPtr[i]:RowPtr[i+1]], in rising order, each once.
type Graph struct {
	RowPtr []int32   // [N+1]
	Col    []int32   // [E]
	Weight []float32 // [E] calls (or the given weight of a plain matrix)
	Errors []float32 // [E] share of failed calls; nil if unknown
	MeanMs []float32 // [E] mean duration, ms; nil if unknown
}

// The channels that NewStep fills, in this order. Plain matrices have the target
// alone.
const (
	ChannelResponseTime = "response_time" // ms, mean (or the configured quantile) of server spans
	ChannelRequests     = "requests"      // arrivals by start time, calls per second
	ChannelErrors       = "errors"        // share of failed requests
	ChannelCPU          = "cpu"
	ChannelMemory       = "memory"
	ChannelReplicas     = "replicas"
)

// Task says what is forecast from what. It is the same for every forecaster of
// a comparison.
type Task struct {
	Channels []string  // F names; the layout of Step.Values
	Target   int       // index into Channels
	Unit     string    // of the target: "ms", "1/s", …
	Log      bool      // scale the target by log(x + 1) before standardising (response times)
	Input    int       // T
	Horizons int       // H
	Levels   []float64 // Q quantile levels, rising, with 0.5 among them
}

// Prediction is the raw output of a forecaster for one window, in the target's
// natural unit. Quantiles never cross.
type Prediction struct {
	Services []string  // [N] of the window's last step
	Levels   []float64 // [Q]
	Values   []float32 // [N, H, Q]; NaN where the forecaster has nothing to say (a service never observed)
}
