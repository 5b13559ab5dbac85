package stgnn

import "presage/model/tensor"

// batchRows is the scratch of one forward pass: which convolved rows each sequence is made of.
type batchRows struct {
	todo   []*features       // slices, each once
	offset map[*features]int // their first rows
	index  [][]int32         // [T, R]
	graphs []*tensor.CSR[float32]
}

// begin forgets the last pass.
func (b *batchRows) begin(input int) {
	if b.offset == nil {
		b.offset = map[*features]int{}
		b.index = make([][]int32, input)
	}
	clear(b.offset)
	b.todo = b.todo[:0]
}

// put places a slice after rows others, unless it is there.
func (b *batchRows) put(s *features, rows int) int {
	if _, ok := b.offset[s]; ok {
		return rows
	}
	b.offset[s] = rows
	b.todo = append(b.todo, s)
	return rows + len(s.services)
}

// collect lists the slices of the windows and finds the sequences' rows among them.
func (b *batchRows) collect(input int, views []view, services []int) (rows int) {
	b.begin(input)
	for k := range views {
		v := &views[k]
		if k > 0 && v.same(&views[k-1]) {
			continue
		}
		for _, s := range v.slices {
			if s != nil {
				rows = b.put(s, rows)
			}
		}
	}
	for k := range b.index {
		b.index[k] = b.index[k][:0]
		var last *features
		first := 0
		for j, i := range services {
			r := views[j].row(k, i)
			if r < 0 {
				b.index[k] = append(b.index[k], -1)
				continue
			}
			if s := views[j].slices[k]; s != last {
				last, first = s, b.offset[s]
			}
			b.index[k] = append(b.index[k], int32(first+r))
		}
	}
	return rows
}
