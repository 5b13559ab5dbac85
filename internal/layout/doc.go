// Package layout holds tests only: that the tree keeps its own rules. Every package
// says what it is in a doc.go, imports follow the flow and never go back, the pure rooms reach
// for no clock and no Kafka, and no file grows past what a reader can hold.
package layout
