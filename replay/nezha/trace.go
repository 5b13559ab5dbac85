package nezha

import (
	"container/list"
)

// span is one row of a span file.
type span struct {
	trace      [16]byte
	id, parent [8]byte
	root       bool
	pod        int
	start, end int64
	name       string

	kind uint8 // an OTLP kind, set by classify
	peer int   // 1 + the service to be named as the peer, 0 for none
}

// OTLP's numbers of the span kinds.
const (
	internal uint8 = 1
	server   uint8 = 2
	client   uint8 = 3
)

// window collects the spans of each trace. A trace is whole when so many rows of
// other traces came after its last one; at most heldFactor times as many are held.
type window struct {
	rows   int // of distance
	n      int64
	held   int
	open   map[[16]byte]*list.Element
	oldest *list.List // of *group, by their last row
}

const heldFactor = 4

type group struct {
	spans []span
	last  int64
}

func newWindow(rows int) *window {
	return &window{rows: rows, open: map[[16]byte]*list.Element{}, oldest: list.New()}
}

// add takes a row. due gives the traces that are whole after it.
func (w *window) add(s span) {
	w.n++
	w.held++
	e := w.open[s.trace]
	if e == nil {
		e = w.oldest.PushBack(&group{})
		w.open[s.trace] = e
	} else {
		w.oldest.MoveToBack(e)
	}
	g := e.Value.(*group)
	g.spans = append(g.spans, s)
	g.last = w.n
}

// due gives a trace that is whole, or nil; split says that it had to be cut.
func (w *window) due(all bool) (spans []span, split bool) {
	front := w.oldest.Front()
	if front == nil {
		return nil, false
	}
	g := front.Value.(*group)
	split = w.held > heldFactor*w.rows
	if !all && !split && w.n-g.last < int64(w.rows) {
		return nil, false
	}
	w.oldest.Remove(front)
	delete(w.open, g.spans[0].trace)
	w.held -= len(g.spans)
	return g.spans, split && !all
}

// findings are what classify met in a trace.
type findings struct{ doubled, orphans int64 }

// classify leaves out doubled rows and gives the spans their kinds.
func classify(spans []span, p *pods) ([]span, findings) {
	var f findings
	at := make(map[[8]byte]int, len(spans))
	kept := spans[:0]
	for _, s := range spans {
		if i, ok := at[s.id]; ok && kept[i] == s {
			f.doubled++
			continue
		} else if !ok {
			at[s.id] = len(kept)
		}
		kept = append(kept, s)
	}
	service := func(i int) int { return p.list[kept[i].pod].service }
	for i := range kept {
		kept[i].kind = internal
		if kept[i].root {
			kept[i].kind = server
			continue
		}
		parent, ok := at[kept[i].parent]
		if !ok {
			f.orphans++
		} else if service(parent) != service(i) {
			kept[i].kind = server
		}
	}
	for i := range kept {
		if kept[i].root || kept[i].kind != server {
			continue
		}
		parent := at[kept[i].parent]
		if kept[parent].kind == server {
			kept[i].peer = 1 + service(parent)
		} else {
			kept[parent].kind = client
		}
	}
	return kept, f
}
