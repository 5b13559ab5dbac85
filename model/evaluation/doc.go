// Package evaluation measures forecasters against each other, the same way for every one of them.
//
//	history ──▶ Exam (parts, windows, truths) ──▶ Run: fit, forecast, calibrate ──▶ Record ──▶ Score, Compare ──▶ Results ──▶ JSON, Markdown
//
// In: steps, a task, methods. Out: their errors at every step of the horizon on the points that all of them forecast, intervals
// as the live loop would have published them, and paired comparisons with a moving-block bootstrap.
//
// Parts are chronological with an embargo. Nothing of the test part is there while a method is fitted: its values are
// overwritten meanwhile. Some forecasts are made again with their future overwritten; a method whose forecast
// moves is refused. The package writes no file, reads no clock of its own and starts no goroutine.
package evaluation
