//go:build race

package exactness

// raced says that the race detector is on, which makes a million spans take minutes.
const raced = true
