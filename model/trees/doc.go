// Package trees forecasts by gradient-boosted regression trees: the change from a service's last
// value as a sum of small trees over its last values, and on demand its callers' and callees'.
//
//	training windows ──lags──▶ rows ──▶ 64 bins a column ──▶ one tree a round and horizon ──validation──▶ early stop
//	window ──lags──▶ rows ──▶ sum of the trees' leaves ──▶ centre ──baseline.New──▶ band ──▶ Prediction
//
// The trees are grown leaf by leaf from histograms of the loss's gradients (Friedman, 2001; histograms as in
// Ke et al., 2017). All services share them, each in its own standardised unit. Beyond twelve
// horizons, twelve get trees and those between lie on lines.
//
// The package never looks past a window's last step, and draws random numbers from the fit's seed alone: the same
// seed gives the same trees, bit for bit.
package trees
