// Command fuzz runs every fuzz target for a while, one or more at a time, and keeps what they found worth keeping: the
// smallest inputs that reached new code go to testdata/fuzz, so that go test runs them for ever.
//
// In: the targets of the packages below the present folder. Out: a line for each target, files under testdata; exit status 1 where
// an input fails.
package main
