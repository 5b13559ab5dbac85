// Package baseline holds the forecasters that need no training to speak of:
// persistence, seasonal naive and the moving average, which serve live while there is no network or
// it has fallen behind, and the other statistical methods that every network is held
// against: exponential smoothing with and without trend and season, the daily profile, and what a user of PromQL
// would write.
//
//	window ──▶ centre (the forecast itself) ──▶ band (its quantiles) ──▶ Prediction
//
// The centre of a method without a Core is its own and is never corrected by what was learned; a Core
// learns its centre, or the few constants of it, from the training history. The band holds quantiles of
// the residuals by horizon, learned by Fit in units of each service's own spread; before any Fit it is
// made from the differences of neighbouring slices in the window. New puts the band around
// a Core from elsewhere, as packages ridge and trees have it.
//
// The package never looks past a window's last step, and what it remembers of the past came through Fit and Observe.
package baseline
