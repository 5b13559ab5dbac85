package trees

// The trees' fixed choices.
const (
	maxLeaves  = 31
	minRows    = 40  // in a leaf
	shrinkRows = 1.0 // rows that a leaf's value is drawn towards zero by
)

// cell is a bin of a histogram.
type cell struct {
	sum   float64 // of gradients
	count int64
}

// grower grows one tree at a time; its memory is used again.
type grower struct {
	columns int
	cells   []uint8     // [R, F] bins
	edges   [][]float32 // of the columns
	order   []int32     // the tree's rows; a leaf's lie together
	spare   []int32     // for parting
	free    [][]cell    // histograms [F, bins] not in use
}

// leaf is a leaf that may still be parted.
type leaf struct {
	node     int32
	from, to int // rows in order
	sum      float64
	hist     []cell
	// the best parting; gain 0 where there is none
	gain   float64
	column int
	bin    int
	left   cell // what goes left
}

// grow appends a tree of the rows to the forest, with gradients [R] to follow; value gives a
// leaf's value from its rows. The leaf whose parting helps most is parted next.
func (g *grower) grow(s *forest, rows []int32, gradients []float32, value func(rows []int32) float32) {
	g.order = append(g.order[:0], rows...)
	root := g.leaf(s, 0, len(rows), gradients)
	s.roots = append(s.roots, root.node)
	leaves := []*leaf{root}
	for len(leaves) < maxLeaves {
		best := leaves[0]
		for _, l := range leaves[1:] {
			if l.gain > best.gain {
				best = l
			}
		}
		if best.gain <= 0 {
			break
		}
		leaves = append(leaves, g.part(s, best, gradients))
	}
	for _, l := range leaves {
		s.nodes[l.node].value = value(g.order[l.from:l.to])
		g.free = append(g.free, l.hist)
	}
}

// leaf makes the first leaf.
func (g *grower) leaf(s *forest, from, to int, gradients []float32) *leaf {
	l := &leaf{node: int32(len(s.nodes)), from: from, to: to, hist: g.histogram()}
	s.nodes = append(s.nodes, node{column: -1})
	g.fill(l, gradients)
	for _, r := range g.order[from:to] {
		l.sum += float64(gradients[r])
	}
	g.seek(l)
	return l
}

// part makes a leaf a branching; the leaf goes on as the left one, and the right one is the result. Only
// the smaller one's histogram is counted, the other's is the difference.
func (g *grower) part(s *forest, l *leaf, gradients []float32) *leaf {
	middle := g.split(l)
	right := &leaf{from: middle, to: l.to, sum: l.sum - l.left.sum}
	left, right32 := int32(len(s.nodes)), int32(len(s.nodes)+1)
	s.nodes = append(s.nodes, node{column: -1}, node{column: -1})
	n := &s.nodes[l.node]
	n.column, n.bin, n.threshold = int32(l.column), uint8(l.bin), g.edges[l.column][l.bin]
	n.left, n.right = left, right32
	right.node = right32
	l.node, l.to, l.sum = left, middle, l.left.sum

	small, large := l, right
	if l.to-l.from > right.to-right.from {
		small, large = right, l
	}
	whole := l.hist
	small.hist = g.histogram()
	g.fill(small, gradients)
	for k, c := range small.hist {
		whole[k].sum -= c.sum
		whole[k].count -= c.count
	}
	large.hist = whole
	g.seek(l)
	g.seek(right)
	return right
}

// split parts a leaf's rows, keeping their order, and gives the right ones' beginning.
func (g *grower) split(l *leaf) int {
	g.spare = g.spare[:0]
	rows := g.order[l.from:l.to]
	kept := 0
	for _, r := range rows {
		if int(g.cells[int(r)*g.columns+l.column]) <= l.bin {
			rows[kept] = r
			kept++
		} else {
			g.spare = append(g.spare, r)
		}
	}
	copy(rows[kept:], g.spare)
	return l.from + kept
}

func (g *grower) histogram() []cell {
	if n := len(g.free); n > 0 {
		h := g.free[n-1]
		g.free = g.free[:n-1]
		clear(h)
		return h
	}
	return make([]cell, g.columns*bins)
}

func (g *grower) fill(l *leaf, gradients []float32) {
	hist := l.hist
	for _, r := range g.order[l.from:l.to] {
		v := float64(gradients[r])
		row := g.cells[int(r)*g.columns:][:g.columns]
		for c, b := range row {
			k := &hist[c*bins+int(b)]
			k.sum += v
			k.count++
		}
	}
}

// seek finds the parting with the most gain: the rise of Σ (sum of gradients)² / (rows + shrinkRows).
func (g *grower) seek(l *leaf) {
	l.gain = 0
	rows := int64(l.to - l.from)
	if rows < 2*minRows {
		return
	}
	score := func(sum float64, count int64) float64 { return sum * sum / (float64(count) + shrinkRows) }
	none := score(l.sum, rows)
	// What rounding gives is no gain.
	least := 1e-9 * none
	for c := range g.columns {
		var left cell
		for b := range g.edges[c] {
			k := l.hist[c*bins+b]
			left.sum += k.sum
			left.count += k.count
			if left.count < minRows {
				continue
			}
			if rows-left.count < minRows {
				break
			}
			gain := score(left.sum, left.count) + score(l.sum-left.sum, rows-left.count) - none
			if gain > l.gain && gain > least {
				l.gain, l.column, l.bin, l.left = gain, c, b, left
			}
		}
	}
}
