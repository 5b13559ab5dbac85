// Package trial fits forecasters to the first part of a history and scores them on
// the last, the same way for every one of them.
//
//	[]*model.Step ──▶ Split (chronological, with embargo) ──▶ Fit ──▶ Forecast every test window ──▶ Result
//
// In: steps, a task, methods. Out: their scores at each horizon on the test part, on the points that
// all of them forecast. Nothing of validation or test enters a fit's scaling, weights or choice
// of epoch but by validation error.
//
// The package writes no file and starts no goroutine; progress goes to a function.
package trial
