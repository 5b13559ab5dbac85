// Package mixed forecasts with a share of a network and a share of a simple method. Where there is little but noise, the mean of
// the two errs less than either.
//
//	window ──▶ network, baseline ──▶ (1 − w) network + w baseline ──▶ Prediction
//
// The baseline and the share w, one for each third of the horizon, are chosen by the error on the validation windows; the
// band is the network's, moved along. The package learns nothing else.
package mixed
