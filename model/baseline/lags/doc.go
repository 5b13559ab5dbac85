// Package lags turns windows into plain rows of numbers, one a service, for methods that know
// nothing of time and graphs: ridge regression and trees.
//
//	window ──▶ Rows: X [N, F] with the last T values of each service, of its callers and callees
//	window with targets ──▶ Changes [N, H]: what is to be learned
//
// Values are standardised by each service's own training mean and deviation, so that one regression
// serves all services, and what is learned is the change from the last observed value. A gap repeats the value
// before it; a service that the window never observed has no row to speak of (its Last is NaN).
//
// Rows are a function of the window and of what Fit learned from the training steps; the package never reads
// a step after the window's last.
package lags
