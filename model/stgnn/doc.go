// Package stgnn is the system's own network: a spatio-temporal graph network over the
// service graph. It has two modes.
//
// Default mode (diffuse once, then one residual network for every service; after SGP, Cini et
// al., AAAI 2023, and STID, Shao et al., CIKM 2022):
//
//	Step ──scale──▶ z ──diffuse along, against the calls, from leading services──▶ features of the slice (kept T slices)
//	T slices of features ──assemble──▶ one row a service ──Linear, embeddings, residual blocks──▶
//	    change from the last value, H horizons × Q quantiles
//
// Paper mode is the paper's equations and nothing else: two graph convolutions (eq. 1),
// time encoding, a GRU along time (eq. 2), an MLP (eq. 3), mean squared error (eq. 4).
//
// Weights are shared by all services: a service that training never saw is forecast from
// the statistics of its window. A forecast is a pure function of the window and the
// learned state; the features of a slice that are kept from call to call only save work, and a test
// holds the two ways equal bit for bit. Missing values never enter as zeros: neighbours'
// averages leave them out, own values are carried forward with their age and a mask
// beside them. Outside of what training held the network is held back (Config.Guard): response
// times of a backlog or an outage are forecast close to the last value. The package starts no goroutine, reads no clock and does no I/O.
package stgnn
