package matrix

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"presage/model"
)

// edgeHeader begins an adjacency that lists its edges by name, a line each.
var edgeHeader = []string{"from", "to", "weight"}

// listsEdges says whether an adjacency lists edges, by its first line.
func listsEdges(r *bufio.Reader) bool {
	first, _ := r.Peek(256)
	line, _, _ := strings.Cut(string(first), "\n")
	return slices.Equal(cells(line), edgeHeader)
}

func cells(line string) []string {
	out := strings.Split(strings.TrimPrefix(strings.TrimRight(line, "\r"), "\ufeff"), ",")
	for i := range out {
		out[i] = strings.ToLower(strings.Trim(strings.TrimSpace(out[i]), `"`))
	}
	return out
}

// readEdges reads a list of edges between the named columns, sorted. A name that no column has is an error.
func readEdges(r io.Reader, file string, names []string) (*model.Graph, error) {
	in := bufio.NewScanner(r)
	weights := make([]map[int32]float32, len(names))
	for line := 1; in.Scan(); line++ {
		if line == 1 || strings.TrimSpace(in.Text()) == "" {
			continue
		}
		c := strings.Split(strings.TrimRight(in.Text(), "\r"), ",")
		if len(c) != len(edgeHeader) {
			return nil, fmt.Errorf("%s:%d: %d columns, expected %s", file, line, len(c), strings.Join(edgeHeader, ","))
		}
		var ends [2]int
		for k := range ends {
			name := strings.Trim(strings.TrimSpace(c[k]), `"`)
			at, known := slices.BinarySearch(names, name)
			if !known {
				return nil, fmt.Errorf("%s:%d: %q is no column of the series", file, line, name)
			}
			ends[k] = at
		}
		w, err := strconv.ParseFloat(strings.TrimSpace(c[2]), 32)
		if err != nil || math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
			return nil, fmt.Errorf("%s:%d: weight %q, expected a number of zero or more", file, line, c[2])
		}
		if weights[ends[0]] == nil {
			weights[ends[0]] = map[int32]float32{}
		}
		weights[ends[0]][int32(ends[1])] += float32(w)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	g := &model.Graph{RowPtr: make([]int32, 1, len(names)+1)}
	for _, to := range weights {
		for _, c := range slices.Sorted(maps.Keys(to)) {
			if to[c] > 0 {
				g.Col, g.Weight = append(g.Col, c), append(g.Weight, to[c])
			}
		}
		g.RowPtr = append(g.RowPtr, int32(len(g.Col)))
	}
	return g, nil
}
