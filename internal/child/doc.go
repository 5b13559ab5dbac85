// Package child runs other programs for tests: brokers, and Presage's own binary.
//
//	Process ──Start──▶ a child whose output is appended to a log ──Signal, Kill, Stop──▶ Start again …
//
// In: a command. Out: its life and its log. A child dies with the process that started it (on Linux). Nothing of this runs in
// production.
package child
