// Command chaos kills and harms Presage on Apache Kafka until it was killed as often as asked for, in rounds on fresh clusters, and
// ends with one line of JSON: kills, faults, slices, and how many slices, forecasts and committed places were lost, doubled or
// different from an undisturbed reading of the same log. It exits 0 only where the last three are 0.
//
//	go run ./scripts/chaos -kills 1000 -seed 7 -libs DIR
package main
