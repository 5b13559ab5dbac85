package alibaba

// groups holds the rows of calls until no further row of theirs is expected. It
// holds no pointers, so that millions of rows cost the garbage collector nothing.
type groups struct {
	at       map[groupKey]int32
	clusters slab[cluster]
	rows     slab[heldRow]
	freeRow  int32
	freeOne  int32
	oldest   int32 // list by last row
	newest   int32
	created  []opened // in the order of creation; some closed already
	head     int
	held     int // rows
	scratch  []row
}

type groupKey struct {
	trace [16]byte
	rpc   uint64
}

// cluster is the rows of one (trace, rpc id).
type cluster struct {
	address
	first, last  int64 // milliseconds
	head, tail   int32
	older, newer int32
	generation   uint32
	next         int32 // free list
	open         bool
}

type opened struct {
	cluster    int32
	generation uint32
}

type heldRow struct {
	row
	next int32
}

const none = -1

func newGroups() *groups {
	return &groups{at: make(map[groupKey]int32), freeRow: none, freeOne: none, oldest: none, newest: none}
}

// add takes a row.
func (g *groups) add(a *address, r *row) {
	k := groupKey{a.Trace, a.RPC}
	i, ok := g.at[k]
	if !ok {
		i = g.newCluster(a, r.Start)
		g.at[k] = i
	}
	c := g.clusters.at(i)
	slot := g.newRow(r)
	if c.head == none {
		c.head = slot
	} else {
		g.rows.at(c.tail).next = slot
	}
	c.tail = slot
	g.held++
	if r.Start > c.last {
		c.last = r.Start
		if g.newest != i {
			g.unlink(i)
			g.link(i)
		}
	}
}

func (g *groups) newRow(r *row) int32 {
	slot := g.freeRow
	if slot == none {
		slot = g.rows.add()
	} else {
		g.freeRow = g.rows.at(slot).next
	}
	*g.rows.at(slot) = heldRow{*r, none}
	return slot
}

func (g *groups) newCluster(a *address, start int64) int32 {
	i := g.freeOne
	if i == none {
		i = g.clusters.add()
	} else {
		g.freeOne = g.clusters.at(i).next
	}
	c := g.clusters.at(i)
	*c = cluster{address: *a, first: start, last: start, head: none, tail: none, generation: c.generation + 1, open: true}
	g.link(i)
	g.created = append(g.created, opened{i, c.generation})
	return i
}

func (g *groups) link(i int32) {
	c := g.clusters.at(i)
	c.older, c.newer = g.newest, none
	if g.newest == none {
		g.oldest = i
	} else {
		g.clusters.at(g.newest).newer = i
	}
	g.newest = i
}

func (g *groups) unlink(i int32) {
	c := g.clusters.at(i)
	if c.older == none {
		g.oldest = c.newer
	} else {
		g.clusters.at(c.older).newer = c.newer
	}
	if c.newer == none {
		g.newest = c.older
	} else {
		g.clusters.at(c.newer).older = c.older
	}
}

// due is the cluster whose last row is groupGap or more before a time.
func (g *groups) due(at int64) (int32, bool) {
	if g.oldest == none || at-g.clusters.at(g.oldest).last < groupGap {
		return none, false
	}
	return g.oldest, true
}

// first is the cluster that was opened first.
func (g *groups) first() (int32, bool) {
	for g.head < len(g.created) {
		o := g.created[g.head]
		if c := g.clusters.at(o.cluster); c.open && c.generation == o.generation {
			return o.cluster, true
		}
		g.head++
	}
	g.created, g.head = g.created[:0], 0
	return none, false
}

// lowest is the start of the first row held, or otherwise.
func (g *groups) lowest(otherwise int64) int64 {
	if i, ok := g.first(); ok {
		return min(otherwise, g.clusters.at(i).first)
	}
	return otherwise
}

// close takes a cluster out. The rows are valid until the next close.
func (g *groups) close(i int32) (address, []row) {
	c := g.clusters.at(i)
	g.scratch = g.scratch[:0]
	for slot := c.head; slot != none; {
		g.scratch = append(g.scratch, g.rows.at(slot).row)
		next := g.rows.at(slot).next
		g.rows.at(slot).next, g.freeRow = g.freeRow, slot
		slot = next
	}
	g.held -= len(g.scratch)
	g.unlink(i)
	delete(g.at, groupKey{c.Trace, c.RPC})
	c.open, c.next, g.freeOne = false, g.freeOne, i
	if g.head > 4096 && g.head > len(g.created)/2 {
		n := copy(g.created, g.created[g.head:])
		g.created, g.head = g.created[:n], 0
	}
	return c.address, g.scratch
}
