// Package baseline holds the forecasters that need no training to speak of:
// persistence, seasonal naive and the moving average. They are what every network is
// held against, and what serves while there is no network or it has fallen behind.
//
//	window ──▶ centre (the forecast itself) ──▶ band (its quantiles) ──▶ Prediction
//
// The centre is the method's own and is never corrected by what was learned. The band
// holds quantiles of the residuals by horizon, learned by Fit in units of each service's own
// spread; before any Fit it is made from the differences of neighbouring slices in the window.
package baseline
