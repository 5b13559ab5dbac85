// Package matrix reads plain matrices as a history: a CSV of series, one column a service
// (sensor, road, …) and one row a slice, and a CSV adjacency between the columns. Data
// sets such as Los-loop come so, and forecasters then train on them as on recorded slices.
//
//	series.csv[.gz], adjacency.csv[.gz] ──Read──▶ []*model.Step with the target as the only channel
//
// Columns are sorted by name, as all services are. An empty cell is a missing value;
// anything else that is not a finite number is an error that names the line and the column.
// The package starts no goroutine; Open reads the two files that it is given and nothing else.
package matrix
