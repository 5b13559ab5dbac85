package model

import "slices"

// Index maps the rows of to onto those of from, both sorted service names: row i
// of to is row Index[i] of from, or -1 where from lacks the service. The mapping of a
// slice onto itself is recognised by its address and costs one pass.
func Index(from, to []string) []int32 {
	rows := make([]int32, len(to))
	IndexInto(rows, from, to)
	return rows
}

// IndexInto is Index into memory of len(to) elements.
func IndexInto(rows []int32, from, to []string) {
	if Same(from, to) {
		for i := range rows {
			rows[i] = int32(i)
		}
		return
	}
	j := 0
	for i, name := range to {
		for j < len(from) && from[j] < name {
			j++
		}
		rows[i] = -1
		if j < len(from) && from[j] == name {
			rows[i] = int32(j)
		}
	}
}

// Same reports whether two lists of services are the same, at once where they
// share their memory.
func Same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	return len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b)
}
