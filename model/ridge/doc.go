// Package ridge forecasts by ridge regression: for each horizon one line from a service's last
// values, and on demand its callers' and callees', to the change that follows.
//
//	training windows ──lags──▶ rows ──▶ sums of squares ──▶ weights for each penalty ──validation──▶ one for each horizon
//	window ──lags──▶ rows × weights ──▶ centre ──baseline.New──▶ band ──▶ Prediction
//
// All services share the weights, each in its own standardised unit (Hoerl and Kennard, 1970). The graph's gain
// in its cheapest form is what method ridge-graph has over method ridge.
//
// The package never looks past a window's last step, draws no random numbers and iterates nothing.
package ridge
