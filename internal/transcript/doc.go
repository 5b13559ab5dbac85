// Package transcript is for tests: it keeps what a log or a program says while others
// still write to it.
//
// In: writes of any number of goroutines. Out: the text so far. It never judges the text.
package transcript
