// Package rewired is a control for what a graph is worth: a forecaster that sees the wrong edges. Edges are exchanged in
// pairs, so that every service keeps its number of callers and callees, and calls keep their weights; all else is as it
// was.
//
//	steps ──▶ the same steps with exchanged callees ──▶ any Forecaster
//
// A graph network that forecasts as well with a rewired graph has learned nothing from the graph.
package rewired
