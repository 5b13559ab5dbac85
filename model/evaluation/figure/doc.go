// Package figure draws what an evaluation found: errors as lines over the horizon, the window or the load, and forecasts with
// their band against what happened.
//
//	series of numbers ──▶ plot ──▶ PNG bytes
//
// It computes no score and writes no file.
package figure
