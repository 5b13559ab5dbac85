package windower

// maxAdvances is how many advances a commit has room for.
const maxAdvances = 8

// advance is a step in event time that an idle partition was told to make before
// the record at offset. The log doesn't hold it, so the commit does.
type advance struct{ offset, to int64 }

// Advances calls fn for each advance that a restored machine makes again: before the
// record at offset its event time rises to the given one.
func (r *Resume) Advances(fn func(offset, to int64)) {
	for _, a := range r.advances {
		fn(a.offset, a.to)
	}
}

// PlanAdvance gives the commit that must be stored before Advance lets an idle
// partition's event time rise to the given one: a machine restored from it makes the
// same advance at the same place of the log. ok is false where the advance has no
// effect, or has to wait because the commit has no room for one more. Call AtEnd
// first. A re-keyed partition is never advanced: it waits for its sources, who are advanced
// by whoever copies them, and what he has not copied yet would be late.
func (p *Partition) PlanAdvance(unacknowledged, to int64) (c Commit, ok bool) {
	if p.sources != nil || p.rebuilding() || p.high == never || to <= p.high || to >= latestTime {
		return Commit{}, false
	}
	p.Commit(unacknowledged) // forgets the advances that no rebuild will meet
	last := len(p.advances) - 1
	switch {
	case last >= 0 && p.advances[last].offset == p.next:
		// Nothing came since: a rebuild may make both steps at once.
		p.advances[last].to = to
	case len(p.advances) == maxAdvances:
		return Commit{}, false
	default:
		p.advances = append(p.advances, advance{p.next, to})
	}
	return p.Commit(unacknowledged), true
}

// Advance makes the advance that was planned last, whose commit has been stored.
func (p *Partition) Advance() (out Output) {
	if last := len(p.advances) - 1; last >= 0 && p.advances[last].offset == p.next {
		p.advance(p.advances[last], &out)
		out.Losses = p.losses.take()
	}
	return out
}

// AtEnd says that the partition has been read to its end. A restored machine then
// makes the advances that its commit names even if the records before them are gone.
func (p *Partition) AtEnd() (out Output) {
	p.next = max(p.next, p.resume.reached)
	p.reapply(p.next, &out)
	out.Losses = p.losses.take()
	return out
}

// reapply makes the restored advances that come before the record at offset next.
func (p *Partition) reapply(next int64, out *Output) {
	for len(p.pending) > 0 && p.pending[0].offset <= next {
		a := p.pending[0]
		p.pending = p.pending[1:]
		p.advance(a, out)
	}
}

func (p *Partition) advance(a advance, out *Output) {
	high := max(p.high, a.to)
	p.latest = max(p.latest, high)
	p.rewind.reached(step{offset: a.offset, before: p.high, since: a.offset}, high)
	p.moveTo(high, out)
}
