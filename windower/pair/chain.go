package pair

// state is what has become of a half.
type state uint8

const (
	waits    state = iota // for its other half, in an open slice
	settled               // the other half was seen, or needs not be waited for
	resolved              // its slice closed while it waited
)

// record is a half that is remembered.
type record struct {
	Half
	state      state
	at         *meeting
	prev, next *record // in the meeting's chain
}

// meeting is where the halves of one key meet.
type meeting struct{ calling, serving chain }

// chain holds the halves of one side in the order of the log. Halves that no
// partner has met are always a suffix of it, because a partner meets all that are
// there: waiting is the first of them. Each is looked at once, so that ids that are
// not unique cost no quadratic time.
type chain struct{ head, tail, waiting *record }

func (c *chain) append(r *record) {
	r.prev, r.next = c.tail, nil
	if c.tail == nil {
		c.head = r
	} else {
		c.tail.next = r
	}
	c.tail = r
}

func (c *chain) wait(r *record) {
	if c.waiting == nil {
		c.waiting = r
	}
}

func (c *chain) remove(r *record) {
	if c.waiting == r {
		c.waiting = r.next
	}
	if r.prev == nil {
		c.head = r.next
	} else {
		r.prev.next = r.next
	}
	if r.next == nil {
		c.tail = r.prev
	} else {
		r.next.prev = r.prev
	}
}

// group holds the halves of one slice in blocks, so that growing moves none of
// them and forgetting the slice frees them all.
type group struct {
	n      int
	blocks [][]record
}

// Blocks double from a few halves, for quiet partitions, up to a bound.
const (
	firstBlock = 8
	lastBlock  = 1024
)

func (g *group) add() *record {
	last := len(g.blocks) - 1
	if last < 0 || len(g.blocks[last]) == cap(g.blocks[last]) {
		size := firstBlock
		if last >= 0 {
			size = min(2*cap(g.blocks[last]), lastBlock)
		}
		g.blocks = append(g.blocks, make([]record, 0, size))
		last++
	}
	b := &g.blocks[last]
	*b = append(*b, record{})
	g.n++
	return &(*b)[len(*b)-1]
}

func (g *group) each(f func(*record)) {
	if g == nil {
		return
	}
	for _, b := range g.blocks {
		for i := range b {
			f(&b[i])
		}
	}
}
