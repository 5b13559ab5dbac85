// Package extsort sorts rows that do not fit into memory.
//
//	rows of a file ──▶ Sorter (runs spilled to disk) ──▶ Merger (files by their ranges) ──▶ rows by key
//
// In: rows, which are bytes with an int64 key (a time, most often), file by file. Out: the
// same rows by rising key; rows with equal keys keep their order of arrival. Memory is bounded by the
// budget given, disk by the size of the files whose ranges overlap. Spilled runs are files without
// a name where the system allows it, so that nothing is left behind however the program ends.
package extsort
