// Package screen shows a person what the pipeline does: progress, the first
// forecasts as a table, the error so far beside persistence.
//
// In: numbers and forecasts. Out: text; one line that renews itself on a terminal,
// plain lines elsewhere. It reads nothing and decides nothing.
package screen
