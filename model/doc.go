// Package model learns from snapshots of the service graph and forecasts the
// next ones. It holds what all forecasters share: the numeric form of a slice (Step),
// the Forecaster interface, scaling, scoring, calibration, the registry and the live
// loop.
//
//	[]*slice.Snapshot ──▶ Step ──▶ Forecaster ──▶ Prediction ──▶ calibration ──▶ Forecast ──▶ sink
//
// Shapes use fixed letters: B batch, T slices of input, H horizons, N services,
// F channels, Q quantiles. Layouts are row-major in the order given, so
// [N, H, Q] holds the quantiles of one horizon side by side.
//
// The package knows no Kafka, reads no clock and starts no goroutine; randomness
// comes from seeds in the arguments.
package model
