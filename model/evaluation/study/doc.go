// Package study runs experiments: the comparison of the paper's Table 1 with every baseline beside it, its Figure 2 and
// Figure 3, ablations, horizons, and services never seen in training.
//
//	Data, methods ──▶ Study ──▶ evaluation.Exam, one Record a method and seed (kept in the folder) ──▶ results.json, table.md, PNG
//
// A run that was stopped goes on with the methods that are not finished: a record is read back if it is of the same
// data, parts and budget. The package fits and scores nothing itself.
package study
