package replay

import "time"

const (
	progressEvery = time.Second
	tickItems     = 1024 // items between two looks at the clock
)

// tick tells progress once in a while.
func (r *replayer) tick() {
	if r.ticks++; r.ticks%tickItems == 0 {
		r.tell()
	}
}

// tell tells progress if a second has passed, and logs samples of what was left out.
func (r *replayer) tell() {
	now := r.opts.Clock.Now()
	since := now.Sub(r.shown)
	if since < progressEvery {
		return
	}
	r.logSamples()
	stats := r.source.Stats()
	p := Progress{
		Rows: r.rows + stats.Rows, Spans: r.report.Spans, Metrics: r.report.Metrics, Records: r.writer.records.Load(),
		EventTime: time.Unix(0, r.at).UTC(), Done: stats.Done, Turn: r.turn, CatchingUp: r.left > 0,
		SpansPerSecond: float64(r.report.Spans-r.shownSpans) / since.Seconds(),
	}
	if stats.Done > 0.001 && r.turn == 0 {
		elapsed := now.Sub(r.begunAt)
		p.Left = time.Duration(float64(elapsed) * (1 - stats.Done) / stats.Done).Round(time.Second)
	}
	r.shown, r.shownSpans = now, r.report.Spans
	if r.opts.Progress != nil {
		r.opts.Progress(p)
	}
}

func (r *replayer) logSamples() {
	sampler, ok := r.source.(Sampler)
	if !ok {
		return
	}
	for _, s := range sampler.TakeSamples() {
		r.opts.Logger.Warn("left out of the replay", "reason", s.Reason, "file", s.File, "line", s.Line, "detail", s.Detail)
	}
}

// closeSource keeps a source's counts and closes it.
func (r *replayer) closeSource() {
	r.logSamples()
	stats := r.source.Stats()
	r.rows += stats.Rows
	r.report.Rows = r.rows
	for reason, n := range stats.Skipped {
		if n != 0 {
			r.skipped[reason] += n
		}
	}
	if r.turn == 0 {
		r.report.Notes = append(r.report.Notes, stats.Notes...)
	}
	if err := r.source.Close(); err != nil {
		r.opts.Logger.Warn("closing the recording", "error", err)
	}
	r.source = nil
}

// save writes the state file, if there is to be one.
func (r *replayer) save(stopped, done bool) error {
	if r.opts.StateFile == "" {
		return nil
	}
	s := state{
		Version: stateVersion, Identity: r.identity(), Shift: r.begunShift, Topics: make(map[string]topicState),
		Stopped: stopped, Done: done && !r.opts.Loop, Spans: r.report.Spans,
	}
	if r.report.First != (time.Time{}) {
		s.EventTime = r.at
	}
	for _, t := range []*topic{r.spans, r.metrics} {
		if t == nil {
			continue
		}
		written := make([]int64, len(t.begin))
		for i := range written {
			written[i] = t.skipped[i] + t.skip[i] + t.written[i]
		}
		s.Topics[t.name] = topicState{Begin: t.begin, Written: written}
	}
	return s.save(r.opts.StateFile)
}
