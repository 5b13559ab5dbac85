// Package summary adds up what a run of the pipeline did, for the person at the
// terminal and for scripts.
//
// In: the forecaster's reports, slice by slice, and the windower's counts. Out: a
// Summary, written as one JSON object. It changes nothing in the pipeline.
package summary
