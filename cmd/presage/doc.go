// Command presage forecasts how every service of a distributed system will
// perform, from the spans and container metrics on its Kafka topics.
//
// This package parses the command line, wires the rooms and runs them. It decides
// nothing itself.
package main
