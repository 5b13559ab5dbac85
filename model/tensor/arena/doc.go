// Package arena hands out slices that are all taken back at once, so that steps which repeat allocate
// nothing after the first ones.
//
//	Take, Take, … ──▶ slices on a few large blocks ──Reset──▶ the same memory again
//
// An arena never gives memory back to the runtime, clears nothing and is used by one goroutine at a time.
package arena
