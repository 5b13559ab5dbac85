// Package aggregates reads telemetry that somebody else aggregated as a history, so that
// forecasters can be judged on data sets whose spans aren't at hand.
//
//	edges.csv[.gz]: a row a (slice, edge)          ──Edges────▶ []*model.Step with
//	folder of PetShop: a table a regime + graph    ──PetShop──▶ model.ServiceChannels
//
// Edges takes the columns unix_s, src, dst, calls and mean_us, found by name; others are ignored.
// A service's response time is the mean of the calls into it, its requests are these calls per
// second; both are missing in a slice without a row into the service, so an entry such as
// (root), which nobody calls, is a row without values. Rows of the same slice and edge are
// added up. All steps share one list of services.
//
// PetShop takes the normal period of every traffic regime: mean latency (seconds there,
// milliseconds here), requests and availability (per cent there, the share of errors here), and
// the regime's graph with its own weights. Each regime has its own list of services. Periods
// with injected issues are left out: each is a file of five slices, too short for a window of any
// use, and a fault isn't what a forecast is judged by. So regimes with issues alone give nothing.
//
// In both, more than MaxEmpty absent slices in a row end a segment; fewer are filled with steps
// without observations. What a file asks for is bounded by its size, not by the numbers in it.
// The package starts no goroutine, and reads only the file or the folder that it is given.
package aggregates
