// Package chaos holds Presage's promise against bad days: it runs the real binary against real Apache Kafka, harms processes,
// brokers, network, disk and stored places as a seed says, and afterwards reads the telemetry topics as one undisturbed process
// would have, with the windower's pure core; copies that re-keying has written are held against the records that they are of.
//
//	seed ──▶ Plan ──▶ faults ──▶ World: brokers (internal/kraft) behind proxies, processes of the binary, Traffic
//	                                        │ everything mended, the log's end written
//	                                        ▼
//	                             judge: slices, partials, copies, forecasts and commits against the log ──▶ Verdict
//
// It never changes what it judges: the log is written by it, all else by the binary. It runs nothing in production.
package chaos
