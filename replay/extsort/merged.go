package extsort

// merged merges runs; of rows with equal keys those of the first run come first.
// It is itself a run.
type merged struct {
	heap    []source
	started bool
}

type source struct {
	run
	k    int64
	rank int
}

func newMerged(runs []run) (*merged, error) {
	m := &merged{}
	for i, r := range runs {
		if err := m.add(r, i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add adds a run that stands before its first row. Ranks order rows with equal keys.
func (m *merged) add(r run, rank int) error {
	ok, err := r.next()
	if err != nil {
		return err
	}
	if !ok {
		return r.close()
	}
	if m.started {
		// The top is the current row, already handed out: it has to stay on top.
		if err := m.settle(); err != nil {
			return err
		}
	}
	m.heap = append(m.heap, source{r, r.key(), rank})
	m.up(len(m.heap) - 1)
	return nil
}

// settle steps past the current row, so that the heap holds rows to come only.
func (m *merged) settle() error {
	if !m.started {
		return nil
	}
	m.started = false
	top := &m.heap[0]
	ok, err := top.next()
	if err != nil {
		return err
	}
	if ok {
		top.k = top.key()
	} else {
		if err := top.close(); err != nil {
			return err
		}
		last := len(m.heap) - 1
		m.heap[0] = m.heap[last]
		m.heap = m.heap[:last]
	}
	m.down(0)
	return nil
}

// peek is the key of the row that next will step to.
func (m *merged) peek() (key int64, ok bool, err error) {
	if err := m.settle(); err != nil {
		return 0, false, err
	}
	if len(m.heap) == 0 {
		return 0, false, nil
	}
	return m.heap[0].k, true, nil
}

func (m *merged) next() (bool, error) {
	_, ok, err := m.peek()
	m.started = ok
	return ok, err
}

func (m *merged) key() int64  { return m.heap[0].k }
func (m *merged) row() []byte { return m.heap[0].row() }

func (m *merged) close() error {
	for _, s := range m.heap {
		_ = s.close() // a temporary file: nothing to be done
	}
	m.heap, m.started = nil, false
	return nil
}

func (m *merged) less(i, j int) bool {
	a, b := &m.heap[i], &m.heap[j]
	return a.k < b.k || (a.k == b.k && a.rank < b.rank)
}

func (m *merged) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !m.less(i, parent) {
			return
		}
		m.heap[i], m.heap[parent] = m.heap[parent], m.heap[i]
		i = parent
	}
}

func (m *merged) down(i int) {
	for {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(m.heap); c++ {
			if m.less(c, least) {
				least = c
			}
		}
		if least == i {
			return
		}
		m.heap[i], m.heap[least] = m.heap[least], m.heap[i]
		i = least
	}
}
