// Package lagstest makes the small histories that methods on lags are tested with. It is imported by tests only.
//
//	names, values [n][services] ──History──▶ []*model.Step
//
// It draws nothing at random and fits nothing: which world the values come from is the test's.
package lagstest
